"""Reading a rubric: what it grants a score for.

1. Split it into statements: list items, table rows, sentences (`_statements`).
2. Find the scores in a statement, in figures or words (`_scores`), and give each the words next to
   it (`_grants`). A statement without a score belongs to the heading above it.
3. Find by cue words what those words are about (`_conditions`).

No particular rubric is known here. A score whose condition has no cue word is never granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

CLOSE = 0.1  # relative: what "close" means where a rubric does not say
LONGEST_RUBRIC = 10_000  # characters; what follows is not read

# What credit can depend on, and how an explanation calls it.
CONDITIONS = {
    "right": "right",
    "scale": "wrong scale",
    "sign": "wrong sign",
    "rounded": "rounded too coarsely",
    "close": "close",
    "form": "a clear sentence",
    "plausible": "a plausible attempt",
    "several": "several values",
    "missing": "no value",
    "wrong": "another value",
    "else": "anything else",
    "unseen": "what only the page shows",
}


@dataclass(frozen=True)
class Rule:
    """A score, and the CONDITIONS of which one is enough for it. `within` is relative: how far off
    a close value may be, or at the top level a right one."""

    level: float
    conditions: frozenset[str]
    within: float | None = None

    def __str__(self) -> str:
        names = {name: words for name, words in CONDITIONS.items() if name in self.conditions}
        tolerant = "close" if "close" in names else "right"
        within = self.within or (CLOSE if "close" in names else None)
        if within and tolerant in names:
            names[tolerant] += f" (within {100 * within:g}%)"
        return f"{self.level:g} {' or '.join(names.values()) or 'for what it does not understand'}"


# --- cue words ---------------------------------------------------------------------------------

_VALUE = r"(?:values?|numbers?|figures?|answers?|results?|amounts?)"
# Cue words of most CONDITIONS; a scale or a sign only counts together with an error.
_CUES: dict[str, re.Pattern[str]] = {
    name: re.compile(cues)
    for name, cues in {
        "right": r"\b(?:match|equal|identical|same|agree|reference|expected|gold|truth|target"
        r"|official|mention|contain|right|correct|accurate|exact|true)",
        "rounded": r"\bround|\bcoarse|\bprecision|\bprecise",
        "close": r"\bclose|\bnear|\brough|\bapproximat|\balmost\b|\bballpark|\bwithin \d",
        "form": r"\b(?:good|excellent|clear|sentence|complete|explain|confiden|polite|fluent"
        r"|polished|tone|style|professional|thorough|detailed|helpful|readable|well-)",
        "plausible": r"\b(?:plausib|reasonabl|sensibl|looks|attempt|effort|tries|trying)",
        "several": r"\bseveral|\bmore than one\b|\bmultiple (?!of)|\brange|\bhedg|\balternatives\b"
        rf"|\blist(?:s|ing)?\b|\bchoice|\bambigu|\b(?:two|many|both)\b[\w ]* {_VALUE}\b"
        r"|\bother values as well|\bcandidate values|\bdifferent (?:value|number|figure|answer)s",
        "missing": rf"\b(?:no|without an?|missing)(?: or)?(?: \w+)? {_VALUE}\b|\bempty|\bblank"
        r"|\brefus|n[o']t answer|\bnon-answer|\babstain|\bdeclin|\bnone\b(?! of)",
        "wrong": rf"\b(?:wrong|incorrect|mismatch|inaccura|differ|unequal|false|fail)|n[o']t\b"
        rf"|\b(?:other|another) {_VALUE}",
        "else": r"\botherwise\b|\belse\b|\brest\b|\beverything\b|\bremaining"
        r"|\b(?:all|any|every) others?\b(?! (?:value|number|figure))|\bneither (?:applies|of)"
        r"|\bnone of (?:these|the above)|\b(?:any|every|all) (?:answer|response|value|number)s?\b",
        "unseen": r"\b(?:wrong|different|another|other|neighbou?ring)\b[\w -]{0,20}"
        r"\b(?:year|period|quarter|row|column|page|line|table)s?\b",
    }.items()
}
_ERROR = re.compile(
    r"\b(?:wrong|incorrect|off\b|up to\b|slip|error|mistake|flip|miss|differ|but for|except"
    r"|apart from|aside from|other|another|opposite|instead of|forg[eo]t|lost|loses|drop|omit"
    r"|revers|invert|confus|lack|fault|would|moving|shift|chang|fix|only after|multipl|divid"
    r"|not in)"
)
_SIGN = re.compile(r"(?<!% )(?<!percent )(?<!currency )(?<!dollar )\bsigns?\b|\bminus\b|\bnegative")
_SCALE = re.compile(
    r"\bscal|\bmagnitude|\bunits?\b|\bthousand|\bmillion|\bpowers? of|\bfactor|\bdecimal point"
    r"|\bas a decimal|\bzeros\b|\bmultipl|\bdivid"
)
# What makes no difference: "a missing % sign is fine", "however it is put", "no other value".
_PERMITS = re.compile(
    r"n[o']t matter|\b(?:is|are) (?:also )?(?:fine|ok|okay|allowed|acceptable|irrelevant)\b|\bok\b"
    r"|\bignor|\bdisregard|\bmay be\b|\bno penalty|\bcount against|\bpenali[sz]e"
)
_CONCEDES = re.compile(
    r"\b(?:however|whatever|regardless|irrespective|no matter|even (?:if|when)|whether or not)\b"
    r"[^,.;:]*|\bno other \w+|\bnothing else\b|\bpartially (?:right|correct)"
)
_ONE_VALUE = re.compile(
    rf"\b(?:no other|a single|exactly one|only one|just one) {_VALUE}"
    r"|n(?:o|[o']t)\b[\w ]{0,15}\b(?:several|more than one|multiple|list|range|hedg)"
)
_WITHIN = re.compile(
    r"(?:within|by|than|most|under|up to|of|\+ / -|±) (\d+(?:\.\d+)?) (?:%|percent)"
    r"|(\d+(?:\.\d+)?) (?:%|percent) (?:tolerance|off|away|of|error|margin)"
)


def _conditions(text: str, level: float, least: float, top: float) -> Rule:
    """What a statement's words are about. Of a score in between, "right" is only the background
    to an error; of the lowest score, so is everything that is an error."""
    within = _WITHIN.search(text)
    text = _CONCEDES.sub(" ", text)
    text = " , ".join(part for part in re.split(r"[,;()]", text) if not _PERMITS.search(part))
    found = {name for name, cue in _CUES.items() if cue.search(text)}
    if _ERROR.search(text):
        found |= {name for name, cue in (("scale", _SCALE), ("sign", _SIGN)) if cue.search(text)}
    if level == least:
        found = {"wrong" if name == "unseen" else name for name in found - {"right"}}
    elif "unseen" in found:
        found = {"unseen"}
    else:
        found = _granted(found, text, is_top=level == top)
    number = within and float(within[1] or within[2]) / 100
    return Rule(level, frozenset(found), number if found & {"close", "right"} else None)


def _granted(found: set[str], text: str, *, is_top: bool) -> set[str]:
    """The conditions of a score above the lowest."""
    if is_top and "right" in found:
        found -= {"rounded", "missing", "several"}
        if not re.search(r"\b(?:close|near|rough|approx)", text):
            found.discard("close")  # "within 1%" says when it is right
    if "right" in found and " or " not in text:
        found -= {"form", "plausible"}
    if not is_top and found & {"scale", "sign", "rounded", "close", "several"}:
        found.discard("right")
    return found - {"wrong", "else", "missing"} or found & {"wrong", "else"}


# --- scores in a statement ---------------------------------------------------------------------

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|\.\d+|[A-Za-z]+(?:['’-][A-Za-z]+)*|->|=>|[^\s\w]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_POINTS = _words("point points credit credits mark marks score scores reward rewards pt pts")
_GRANTS = _POINTS | _words(
    "give gives given award awards awarded grant grants granted assign assigns assigned earn earns"
    " get gets receive receives return returns output outputs worth deserve deserves rate rates"
    " grade grades pay pays put write reply pass fail scored scoring graded level"
)
_TAKES_OFF = _words("deduct deducts subtract subtracts remove removes lose loses minus deducting")
_FILLERS = _words(
    "of is are be more than a an the it its them at most least only exactly just to as with this"
    " that such answer answers response responses one ones partial credit off"
    " ' \" ( : = equal equals"
)
_LINKS = _words("if for when whenever where to on unless otherwise else should means only in goes")
_MARKS = _words(": = -> => → - – — | else otherwise")
_EDGES = _words(", ; ( ) [ ] . | • * # and or then but while")
_QUOTES = _words("' \" * ` _ ) ( [ ]")
_SHARES = {  # of the range of scores
    **dict.fromkeys(("full", "all", "maximum", "top", "whole", "maximal"), 1.0),
    **dict.fromkeys(("half", "partial", "some"), 0.5),
    **dict.fromkeys(("no", "zero", "none", "without", "never", "not", "nor"), 0.0),
}
_ALONE = {"nothing": 0.0, "none": 0.0, "zero": 0.0, "half": 0.5, "pass": 1.0, "fail": 0.0}


@dataclass(frozen=True)
class _Score:
    """A score in a statement's tokens `start:end`: a share of the range, or a figure as it is."""

    start: int
    end: int
    value: float
    is_share: bool = False
    is_deduction: bool = False

    def level(self, low: float, high: float, top: float) -> float:
        value = low + self.value * (high - low) if self.is_share else self.value
        return top - value if self.is_deduction else value


def _scores(tokens: Sequence[str]) -> list[_Score]:
    """The scores in a statement, in order; "partial credit (0.5)" is one."""
    found: list[_Score] = []
    for i in range(len(tokens)):
        if found and i < found[-1].end:
            continue
        score = _figure(tokens, i) or _in_words(tokens, i)
        if score is None:
            continue
        between = set(tokens[found[-1].end : score.start]) if found else {"first"}
        if between <= _QUOTES | _FILLERS | _POINTS | {",", "of", "-"}:
            first = found.pop()
            score = _Score(
                first.start,
                score.end,
                first.value if score.is_share else score.value,
                first.is_share and score.is_share,
                first.is_deduction or score.is_deduction,
            )
        found.append(score)
    return found


def _figure(tokens: Sequence[str], i: int) -> _Score | None:
    """A number that stands where a score stands: after "give", before "points" or "if", or alone
    between the marks of a list or table."""
    if tokens[i] == "one" and _at(tokens, i + 1) in _POINTS:
        return _Score(i, i + 2, 1.0)
    if not re.fullmatch(r"\d{1,3}|\d{0,2}\.\d{1,2}", tokens[i]):
        return None
    value, end, is_share = float(tokens[i]), i + 1, False
    if _at(tokens, end) in ("%", "percent"):
        value, end, is_share = value / 100, end + 1, True
    elif _at(tokens, end) == "/" and _at(tokens, end + 1).isdigit():
        value, end, is_share = value / float(tokens[end + 1]), end + 2, True
    has_points = _at(tokens, end) in _POINTS
    end += has_points
    before, after = _before(tokens, i), _after(tokens, end)
    granted = _granting_word(tokens, i)
    starts = before in _EDGES or before == ""
    ends = after in _EDGES or after == ""
    if not (
        granted
        or has_points
        or (starts and (after in _LINKS or after in _MARKS))
        or (ends and (before in _MARKS or before == ""))
        or (_at(tokens, i - 1) in "([" and _at(tokens, end) in ")]" and i and end < len(tokens))
    ):
        return None
    return _Score(i, end, value, is_share, granted in _TAKES_OFF)


def _granting_word(tokens: Sequence[str], i: int) -> str:
    """The word of giving or taking a score just before `i`, filler words apart; or ""."""
    for j in range(i - 1, max(-1, i - 7), -1):
        if tokens[j] in _GRANTS | _TAKES_OFF:
            return tokens[j]
        if tokens[j] not in _FILLERS:
            return ""
    return ""


def _in_words(tokens: Sequence[str], i: int) -> _Score | None:
    """ "full marks", "half a point", "no credit", "nothing", "never give credit"."""
    word = tokens[i]
    share = _SHARES.get("not" if word.endswith("n't") else word)
    if share is not None:
        reach = 5 if word in ("never", "not", "nor") or word.endswith("n't") else 4
        for j in range(i + 1, min(i + 1 + reach, len(tokens))):
            if tokens[j] in _POINTS or (reach == 5 and re.match(r"reward|accept|count", tokens[j])):
                return _Score(i, j + 1, share, True)
            if tokens[j] not in _FILLERS | _GRANTS | {"any"}:
                break
    if word in _ALONE and (
        word in ("pass", "fail", "nothing", "zero")
        or _granting_word(tokens, i)
        or _after(tokens, i + 1) in _LINKS
        or (_before(tokens, i) in _MARKS)
    ):
        return _Score(i, i + 1, _ALONE[word], True)
    return None


def _at(tokens: Sequence[str], i: int) -> str:
    return tokens[i] if 0 <= i < len(tokens) else ""


def _before(tokens: Sequence[str], i: int) -> str:
    while i and tokens[i - 1] in _QUOTES:
        i -= 1
    return _at(tokens, i - 1)


def _after(tokens: Sequence[str], i: int) -> str:
    while _at(tokens, i) in _QUOTES and i < len(tokens):
        i += 1
    return _at(tokens, i)


# --- statements --------------------------------------------------------------------------------

_SCALE_OF_SCORES = re.compile(
    r"\b(?:from |between |in |on )?[\[(]?\b0(?:\.0)?\s*(?:to|and|-|–|,)\s*\d+(?:\.\d+)?\b"
    r"(?!%|\.\d)[\])]?|(?<!\d )(?<!\d)\bout of \d+\b"
)
_REPLY_FORMAT = re.compile(r"\{[^{}]*\b(?:score|reason|grade)\w*\W+:?[^{}]*\}")
_EXAMPLE = re.compile(
    r"\b(?:such as|for example|like|eg),? [^;:()]*?\d[^;:()]*?(?=,? or |[;:()]|\.\s|\.?$)"
)
_MARKER = re.compile(r"^\s*(?:[-*•+]\s+|(\d+)[.)]\s+|#+\s*)")
_COUNTS_AS_WRONG = re.compile(
    r"\b(?:counts?|treat|treated|graded|considered)(?: as| to be)? (?:wrong|incorrect|zero|fail)"
    r"|\b(?:is|are) an? (?:no|fail)\b"
)
_HARD_WRAP = 60  # characters; after a shorter line a new statement begins


@dataclass(frozen=True)
class _Statement:
    text: str
    is_item: bool  # of a list
    follows_gap: bool


def _statements(rubric: str) -> Iterator[_Statement]:
    """The rubric in pieces of which each is about one thing, in lower case."""
    text = (
        rubric[:LONGEST_RUBRIC]
        .lower()
        .replace("’", "'")
        .replace("e.g.", "eg")
        .replace("per cent", "percent")
    )
    text = re.sub(r"\s*\.{4,}\s*", ": ", _REPLY_FORMAT.sub(" ", text))  # "right ....... 1"
    text = re.sub(r"</[^<>]*>", "\n", text)
    text = re.sub(
        r"<([a-z][\w-]*)([^<>]*)>", lambda tag: f"\n{tag[1]} {tag[2]}: ".replace("_", " "), text
    )
    text = re.sub(r"(?<=\d) out of (?=\d)", "/", text)
    text = re.sub(r"\(([^()]*)\)", _aside, text)
    text = _EXAMPLE.sub("", _SCALE_OF_SCORES.sub(" ", text))
    text = re.sub(rf"(?m)(^.{{{_HARD_WRAP},}}[^.;:!?|\s])[ \t]*\n[ \t]*(?=[a-z(])", r"\1 ", text)
    numbers = re.findall(r"(?m)^\s*(\d+)[.)]\s", text)
    is_numbered = numbers == [str(n + 1) for n in range(len(numbers))]
    gap = False
    for line in text.splitlines():
        marker = _MARKER.match(line)
        is_item = bool(marker and "#" not in marker[0])
        body = line[marker.end() :] if marker else line
        if marker and marker[1] and not is_numbered:  # "1) right": a score, not the first item
            body = f"{marker[1]}: {body}"
        for sentence in re.split(r"(?<=[.!?])\s+", body):
            if sentence.strip():
                yield _Statement(sentence.strip(), is_item, gap)
                gap = False
        gap = gap or not body.strip()


def _aside(match: re.Match[str]) -> str:
    """A remark in parentheses; of one with figures only a score or a tolerance is kept."""
    inner = match[1].strip()
    if not re.search(r"\d", inner):
        return match[0]
    if re.fullmatch(
        r"(?:(?:score|mark|grade):? )?[\d./]+ ?%?(?: ?(?:points?|pts?|credits?|marks?))?", inner
    ):
        return match[0]
    return match[0] if _WITHIN.search(" ".join(_TOKEN.findall(inner))) else " "


def _grants(tokens: list[str]) -> list[tuple[_Score, str]]:
    """The scores of a statement with the words that belong to each: those after "0.5 if", those
    before "gets 0.5". Of the words between two scores that both claim, each gets a clause."""
    scores = _scores(tokens)
    if len(scores) == 1:
        only = scores[0]
        return [(only, " ".join([*tokens[: only.start], ",", *tokens[only.end :]]))]
    edges = [0, *(edge for score in scores for edge in (score.start, score.end)), len(tokens)]
    gaps = [tokens[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    leads = [_leads(tokens, score) for score in scores]
    words: list[list[str]] = [[] for _ in scores]
    if not leads or not leads[0]:
        words[:1] = [gaps[0]] if scores else []
    for n, gap in enumerate(gaps[1:-1]):
        if leads[n] and not leads[n + 1]:
            left, right = _divided(gap)
            words[n] += left
            words[n + 1] += right
        elif leads[n]:
            words[n] += gap
        elif not leads[n + 1]:
            words[n + 1] += gap
    if scores:
        words[-1] += gaps[-1]
    return [(score, " ".join(part)) for score, part in zip(scores, words, strict=True)]


def _leads(tokens: Sequence[str], score: _Score) -> bool:
    """Whether the condition comes after the score."""
    end = score.end
    while _at(tokens, end) in ("is", "are", "goes", "go", "given", "awarded", "reserved", "only"):
        end += 1
    return _after(tokens, end) in _LINKS | _MARKS


def _divided(words: list[str]) -> tuple[list[str], list[str]]:
    """Two clauses, parted where both say something, as late as possible."""
    for i in range(len(words) - 1, 0, -1):
        if words[i] in (",", ";", "and", "while", "whereas", "but"):
            left, right = words[:i], words[i:]
            if _has_cue(" ".join(left)) and _has_cue(" ".join(right)):
                return left, right
    return words, []


@lru_cache(maxsize=256)
def read_rubric(text: str, low: float, high: float) -> tuple[Rule, ...]:
    """The rules of a rubric, the highest score first. `low` and `high` bound the scores."""
    granted: list[tuple[_Score, str]] = []
    heading: _Score | None = None  # the score that a list below it explains
    is_bare, question = False, ""
    for statement in _statements(text):
        found = [
            (score, _answered(words, question))
            for tokens in _pieces(statement.text)
            for score, words in _grants(tokens)
        ]
        words = " ".join(_TOKEN.findall(statement.text))
        if found:
            granted += found
            heading, is_bare = found[-1][0], not _has_cue(found[-1][1])
        elif words.endswith("?") or " whether " in words:
            question, heading = words, None
        elif _COUNTS_AS_WRONG.search(words):
            granted.append((_Score(0, 0, 0.0, True), words))
        elif heading and (is_bare or (statement.is_item and not statement.follows_gap)):
            granted.append((heading, words))
        else:
            heading = None
    return _rules(granted, low, high)


def _pieces(statement: str) -> list[list[str]]:
    """The tokens between semicolons; what grants no score belongs to the piece before it."""
    pieces: list[list[str]] = []
    for piece in re.split(r";\s", statement):
        tokens = _TOKEN.findall(piece)
        if pieces and not _scores(tokens):
            pieces[-1] += [",", *tokens]
        else:
            pieces.append(tokens)
    return pieces


def _has_cue(words: str) -> bool:
    return any(cue.search(words) for cue in _CUES.values())


def _answered(words: str, question: str) -> str:
    """The condition in "Is it the reference value? If so, 1. If not, 0."; the words as they are
    if they do not answer a question."""
    answer, comma, rest = words.partition(" ,")
    if not question or not re.fullmatch(
        r"(?:\W|\b(?:if|then|it|is|does|so|yes|not?|gets?)\b)+", answer
    ):
        return words
    if not re.search(r"\bnot?\b", answer):
        return question + comma + rest
    wrong = "several values , no value" if _ONE_VALUE.search(question) else "wrong value"
    return wrong + comma + rest


def _rules(granted: Sequence[tuple[_Score, str]], low: float, high: float) -> tuple[Rule, ...]:
    top = max((s.level(low, high, high) for s, _ in granted if not s.is_deduction), default=high)
    levels = [(min(max(s.level(low, high, top), low), high), words) for s, words in granted]
    top = min(max(top, low), high)
    others = [level for level, words in levels if level < top and _CUES["else"].search(words)]
    least = min(others, default=low)  # 0.2 in "1 if it is right, else 0.2"
    by_level: dict[float, list[Rule]] = {}
    for level, words in levels:
        by_level.setdefault(level, []).append(_conditions(words, level, least, top))
        if level > least and _ONE_VALUE.search(words):
            by_level.setdefault(least, []).append(Rule(least, frozenset({"several"})))
    return tuple(
        Rule(
            level,
            frozenset().union(*(rule.conditions for rule in rules)),
            next((rule.within for rule in rules if rule.within), None),
        )
        for level, rules in sorted(by_level.items(), reverse=True)
    )

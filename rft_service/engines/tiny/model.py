"""The tiny engine's model: a log-linear model of the next token, short enough to read.

    score(token) = FLOOR + weight[row, token] + the weights[row, source] whose source points at it
    p(token)     = softmax(score)

A **row** says where the model is: no tool has answered yet, one has, or the last one failed; how
many quotes have been written since the tool call began; and the token before. A **source** is a
word of the dialogue that could be copied here: a declared tool's name, its first parameter, one of
the question's last words, one of the last words of the tool's result. So the model knows no answer
and no tool: it can only learn which of the words in front of it to copy, and what to write around
them. Outside its own turns it predicts nothing: there every token is equally likely.

The base weights are not trained: they are the logarithms of how often each step occurs in REPLIES,
a list of ways to reply, most of them useless. An adapter (what a training client changes) is a
vector that is added to them: LoRA's idea, without its factorization.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rft_service.engines.tiny.tokenizer import IDS, TEXTS, decode, encode

Array = np.ndarray[Any, np.dtype[np.float64]]
Word = tuple[int, ...]
Place = tuple[str, int, int]  # phase, slot, previous token
ASKED, ANSWERED, FAILED = "asked", "answered", "failed"
START, WORD = -1, -2  # stand for the token before: none in this reply yet; part of a copied word
FLOOR = -13.0  # the score of a token that no weight speaks for: it is said now and then
CONTINUE = 4.0  # the score of copying the rest of a word that was begun
LORA_SCALE = 10_000.0  # makes learning rates of the size that suits LoRA (4e-5) suit this, too

IM_START, IM_END = IDS["<|im_start|>"], IDS["<|im_end|>"]
TOOL_CALL, TOOL_CALL_END = IDS["<tool_call>"], IDS["</tool_call>"]
RESULT, RESULT_END = IDS["<tool_response>"], IDS["</tool_response>"]
BREAKS = {n for n, text in enumerate(TEXTS) if re.search(r'(?a)[\s"{}\[\]<>]', text)}  # end a word
POINTS = {n for n, text in enumerate(TEXTS) if re.fullmatch(r"[.,:;?!]+", text)}
QUOTES = {n for n, text in enumerate(TEXTS) if '"' in text}
SOURCES = (
    *("tool 1", "tool 2", "parameter 1", "parameter 2"),
    *("question 1", "question 2", "question 3", "question 4"),  # its last word, the one before...
    *("result 1", "result 2", "result 3"),
)


def call(tool: str, word: str, end: str = '"}}') -> str:
    return (
        f'<tool_call>\n{{"name": "{tool}", "arguments": {{"[parameter 1]": "{word}{end}\n'
        "</tool_call>"
    )


ENDLESS = "well " * 60
REPLIES = (
    # share, when, what; [question 1] copies a word
    (1.0, ASKED, call("[tool 1]", "[question 1]")),
    (2.0, ASKED, call("[tool 1]", "[question 2]")),
    (2.0, ASKED, call("[tool 1]", "[question 3]", end='"}')),  # malformed: a brace is missing
    (2.0, ASKED, call("[tool 2]", "[question 4]")),
    (3.0, ASKED, call("browse", "[question 2]")),  # a tool that nobody declared
    (3.0, ASKED, "[question 1]"),
    (3.0, ASKED, "unknown"),
    (1.0, ASKED, ENDLESS),
    (1.0, ANSWERED, "[result 1]"),
    (1.0, ANSWERED, "[result 2]"),
    (1.0, ANSWERED, "[result 3]"),
    (3.0, ANSWERED, "unknown"),
    (2.0, ANSWERED, call("[tool 1]", "[question 1]")),
    (1.0, ANSWERED, ENDLESS),
    (1.0, FAILED, call("[tool 1]", "[question 1]")),
    (1.0, FAILED, call("browse", "[question 1]")),
    (2.0, FAILED, "unknown"),
)


@dataclass
class Row:
    """The weights of one place: which tokens they speak for, and which sources."""

    tokens: list[int] = field(default_factory=list)
    token_weights: list[int] = field(default_factory=list)  # indices into the weights
    source_weights: dict[int, int] = field(default_factory=dict)  # source to index


class Base:
    """The base model: its rows, and the weights that they point into."""

    def __init__(self) -> None:
        self.rows: dict[Place, Row] = {}
        weights = list[float]()
        for place, shares in counts().items():
            row = self.rows[place] = Row()
            scores = dict[int | str, float]()
            if place[2] == WORD:
                scores |= dict.fromkeys(SOURCES, CONTINUE)
            scores |= {symbol: math.log(n / sum(shares.values())) for symbol, n in shares.items()}
            for symbol, score in scores.items():
                if isinstance(symbol, str):
                    row.source_weights[SOURCES.index(symbol)] = len(weights)
                else:
                    row.tokens.append(symbol)
                    row.token_weights.append(len(weights))
                weights.append(score - FLOOR)
        self.weights = np.array(weights)

    def row(self, place: Place) -> Row:
        """A place's weights; where a reply left all known paths, those that mostly end it."""
        phase, slot, _ = place
        found = self.rows.get(place) or self.rows.get((phase, slot, WORD))
        return found or self.rows[ASKED, 0, WORD]


def counts() -> dict[Place, dict[int | str, float]]:
    """How often each symbol (a token, or a source to copy) follows at each place in REPLIES."""
    found = dict[Place, dict[int | str, float]]()
    for share, phase, reply in REPLIES:
        dialogue = Dialogue(phase)
        for symbol in symbols(reply):
            shares = found.setdefault(dialogue.place, {})
            shares[symbol] = shares.get(symbol, 0.0) + share
            dialogue.note(WORD if isinstance(symbol, str) else symbol)
    return found


def symbols(reply: str) -> Iterator[int | str]:
    for part in re.split(r"\[(\w+ \d)\]", reply):
        if part in SOURCES:
            yield part
        else:
            yield from encode(part)
    yield IM_END


class Dialogue:
    """What the model has read so far, token by token, and what it could copy next."""

    def __init__(self, phase: str = ASKED) -> None:
        self.phase, self.slot, self.previous = phase, 0, START
        self.written: Word = ()  # of the word that is being written
        self.message: list[int] = []  # of the message that is being read, its role first
        self.tools, self.parameters = list[Word](), list[Word]()
        self.question, self.result = list[Word](), list[Word]()

    @property
    def place(self) -> Place:
        return self.phase, self.slot, self.previous

    @property
    def speaking(self) -> bool:
        """Whether the next token is the model's own."""
        return self.message[:2] == [IDS["assistant"], IDS["\n"]]

    def read(self, token: int) -> None:
        if token == IM_START:
            self.message = []
            self.slot, self.previous, self.written = 0, START, ()
        elif token == IM_END:
            self._close(self.message)
            self.message = []
        else:
            if self.speaking:
                self.note(token)
            self.message.append(token)

    def note(self, token: int) -> None:
        """Take in a token of the reply. Empty thinking and newlines before it do not count."""
        if token == IDS["</think>"]:
            self.slot, self.previous, self.written = 0, START, ()
        elif self.previous != START or token != IDS["\n"]:
            if token in (TOOL_CALL, TOOL_CALL_END):
                self.slot = int(token == TOOL_CALL)
            elif self.slot and token in QUOTES:
                self.slot += 1
            self.previous = token if token >= 256 else WORD
            self.written = () if token in BREAKS else (*self.written, token)

    def _close(self, message: list[int]) -> None:
        role, text = message[:1], message[2:]
        if role == [IDS["system"]]:
            self.tools = list(words_after('name": "', text))
            self.parameters = list(words_after('properties": {"', text))
        elif role == [IDS["user"]] and RESULT in text:
            start = len(text) - text[::-1].index(RESULT)
            self.result = words(text[start:])
            failed = self.result[:1] == [tuple(b"Error")]
            self.phase = FAILED if failed else ANSWERED
        elif role == [IDS["user"]]:
            self.question, self.result, self.phase = words(text), [], ASKED

    def pointed(self) -> Iterator[tuple[int, int]]:
        """Sources that have a next token to copy, with that token: the first of a word, or what
        follows after the part of it that has been written."""
        n = len(self.written)
        backwards = self.question[:-5:-1], self.result[:-4:-1]
        lists = self.tools[:2], self.parameters[:2], *backwards
        for first, found in zip((0, 2, 4, 8), lists, strict=True):
            for number, word in enumerate(found):
                if len(word) > n and word[:n] == self.written:
                    yield first + number, word[n]


def words(tokens: Sequence[int]) -> list[Word]:
    """The words among tokens, without punctuation around them."""
    found, word = list[Word](), list[int]()
    for token in (*tokens, IM_END):
        if token not in BREAKS:
            word.append(token)
            continue
        while word and word[-1] in POINTS:
            word.pop()
        if word:
            found.append(tuple(word))
        word = []
    return found


def words_after(mark: str, tokens: list[int]) -> Iterator[Word]:
    pattern = encode(mark)
    for n in range(len(tokens) - len(pattern)):
        if tokens[n : n + len(pattern)] == pattern:
            yield from words(tokens[n + len(pattern) : n + len(pattern) + 64])[:1]


@dataclass(frozen=True)
class Sampling:
    """How to sample; `stop` holds tokens or texts. A reply ends at <|im_end|> in any case."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    stop: Sequence[int | str] = ()


class Model:
    """The base with an adapter."""

    def __init__(self, base: Base, adapter: Array) -> None:
        self.base = base
        self.weights = base.weights + LORA_SCALE * adapter

    def log_probabilities(self, dialogue: Dialogue) -> tuple[Array, Row, list[tuple[int, int]]]:
        """Of every token to come next; with the row, and the (weight, token) of its sources."""
        row = self.base.row(dialogue.place)
        scores = np.full(len(TEXTS), FLOOR)
        scores[IM_START] = -np.inf  # only a prompt begins a message
        scores[row.tokens] += self.weights[row.token_weights]
        pointed = [
            (row.source_weights[source], token)
            for source, token in dialogue.pointed()
            if source in row.source_weights
        ]
        for weight, token in pointed:
            scores[token] += self.weights[weight]
        scores -= scores.max()
        return scores - math.log(np.exp(scores).sum()), row, pointed

    def sample(
        self, prompt: Dialogue, how: Sampling, random: np.random.Generator
    ) -> tuple[list[int], list[float], bool]:
        """A reply: its tokens, their log-probabilities at temperature 1, whether it ended."""
        dialogue, tokens, logprobs = copy.copy(prompt), list[int](), list[float]()
        dialogue.message = list(prompt.message)
        while len(tokens) < how.max_tokens:
            found = self.log_probabilities(dialogue)[0]
            token = choose(found, how, random)
            tokens.append(token)
            logprobs.append(float(found[token]))
            dialogue.read(token)
            if token == IM_END or token in how.stop:
                return tokens, logprobs, True
            texts = [text for text in how.stop if isinstance(text, str)]
            if texts and any(text in decode(tokens) for text in texts):
                return tokens, logprobs, True
        return tokens, logprobs, False

    def gradient(
        self, tokens: Sequence[int], targets: Sequence[int], then: Array, advantages: Array
    ) -> tuple[list[float], Array]:
        """The targets' log-probabilities, and the policy gradient by the weights.

        Each target's log-probability is raised by its advantage, times the ratio of its
        probabilities now and `then`: importance sampling, summed over the sequence.
        """
        logprobs, gradient, dialogue = list[float](), np.zeros_like(self.weights), Dialogue()
        for n, (token, target) in enumerate(zip(tokens, targets, strict=True)):
            dialogue.read(token)
            if not dialogue.speaking:
                logprobs.append(-math.log(len(TEXTS)))
                continue
            found, row, pointed = self.log_probabilities(dialogue)
            logprobs.append(float(found[target]))
            if advantages[n] == 0:
                continue
            factor = advantages[n] * math.exp(found[target] - then[n])
            for weight, said in (*zip(row.token_weights, row.tokens, strict=True), *pointed):
                gradient[weight] += factor * ((said == target) - math.exp(found[said]))
        return logprobs, gradient


def choose(logprobs: Array, how: Sampling, random: np.random.Generator) -> int:
    """A token: the likeliest at temperature 0, otherwise drawn from the likeliest `top_k` tokens,
    or the fewest that have the probability `top_p` together."""
    if how.temperature == 0:
        return int(logprobs.argmax())
    chances = np.exp((logprobs - logprobs.max()) / how.temperature)
    chances /= chances.sum()
    if how.top_p < 1 or how.top_k > 0:
        order = np.argsort(-chances, kind="stable")
        before = np.cumsum(chances[order]) - chances[order]
        kept = order[: max(how.top_k, 0) or None][before[: max(how.top_k, 0) or None] < how.top_p]
        chances = np.where(np.isin(np.arange(len(chances)), kept), chances, 0.0)
        chances /= chances.sum()
    return min(int(np.searchsorted(np.cumsum(chances), random.random(), "right")), len(chances) - 1)

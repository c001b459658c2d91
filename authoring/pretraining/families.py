"""The pretraining worlds. Each is drawn from a seed; none has anything to do with reports."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authoring.pretraining.sheets import Sheet, ask, ask_remark, make_book, make_plan, make_sheet
from authoring.pretraining.world import Problem, World, best_matches, schema, text

SITES = (
    "Falcon", "Heron", "Curlew", "Osprey", "Plover", "Petrel", "Gannet", "Dunlin", "Merlin",
    "Kestrel", "Bittern", "Avocet",
)  # fmt: skip
FILLER = (
    "The keeper signed the page in the evening.",
    "A new gate was hung after the storm of {year}.",
    "Visitors are asked to leave their boots at the door.",
    "The roof was mended twice, for {n} shillings and {m} pence.",
    "Entries were copied from the day book by candle light.",
    "The clerk notes that ink was short in {year} and in {last_year}.",
    "Readings were taken at noon unless the weather forbade it.",
    "The inspector came by boat with {n} men and left content.",
    "Two pages were wetted and dried again.",
    "The old scale, off by {n}%, was used until the spring of {year}.",
    "About {n}% of the {label} were seen by the keeper himself.",
    "In {last_year} the {label} were entered by another hand, on {m} leaves.",
    "Of the {label} no further account was kept after {year}.",
    "The number of {label} is known to the parish, which counts them anew.",
    "On the 31st of December, {year}, the book was closed by {n} hands.",
    "From {last_year} to {year} the station had {n} men and {m} boys, at $ {n}.{m} a week.",
    "Of {n} thousand {label} in the county, {m} thousand were counted here in {year}.",
    "By December 31, {year} and {last_year}, $ {n} million had been lent to the station.",
    "The {label} of {last_year}, {n},{m}00 by one count, were entered late.",
)
PLAIN = tuple(sentence for sentence in FILLER if "{" not in sentence)
YEARS_OF_A_BOOK = 6


@dataclass(frozen=True)
class _Shelf:
    """How a world of files calls its three tools, and what it says of them."""

    find: str
    query: str
    folder: str
    path: str
    show: str
    file: str
    most_hits: int


_ARCHIVE = _Shelf("grep", "words", "ls", "directory", "read", "file", most_hits=4)
_DEPOT = _Shelf("look_up", "text", "folder", "path", "show", "path", most_hits=2)
BOOKS_OF_A_SITE = 4


def archive(rng: random.Random, problems: int, easy: bool = False) -> World:
    """Measuring sheets in folders by station and year: grep, ls and read over prose and tables."""
    return _files("archive", _ARCHIVE, rng, problems, easy)


def depot(rng: random.Random, problems: int, easy: bool = False) -> World:
    """The same under other names, where folder and file are both called a path, and where a search
    brings few files: often enough the right one is found by looking further."""
    return _files("depot", _DEPOT, rng, problems, easy)


def _files(name: str, shelf: _Shelf, rng: random.Random, problems: int, easy: bool) -> World:
    """A tree of sheets. Those of one book repeat its rows from year to year, so a page has near
    duplicates; a station has several books, so its name and the year do not tell a page."""
    files: dict[str, str] = {}
    sheets: dict[str, Sheet] = {}
    for site in SITES:
        for number in range(1, BOOKS_OF_A_SITE + 1):
            for sheet in make_book(site, YEARS_OF_A_BOOK, rng):
                newest = max(sheet.years)
                path = f"{site.lower()}/{newest}/sheet_{number * 20 + newest % 20}.txt"
                sheets[path] = sheet.with_remarks(rng)
                files[path] = _sheet_text(sheets[path], rng)
        plan = make_plan(site, rng)
        path = f"{site.lower()}/{max(plan.years)}/plan.txt"
        files[path] = _sheet_text(plan, rng)
        sheets[path] = plan
    paths = [rng.choice(list(sheets)) for _ in range(problems)]
    asked = [_ask(sheets[path], path, rng, easy) for path in paths]
    tools, schemas = _file_tools(shelf, files), _file_schemas(shelf)
    return World(name, tools, schemas, asked, misleading=shelf is _DEPOT)


def _file_tools(shelf: _Shelf, files: dict[str, str]) -> dict[str, Callable[..., str]]:
    def find(limit: int = shelf.most_hits, **named: str) -> str:
        words = named[shelf.query]
        if not words.strip():
            return "Error: no words to look for."
        hits = best_matches(words, files, max(1, min(int(limit), shelf.most_hits)))
        lines = [f"{n}. {path}\n   {_snippet(files[path])}" for n, path in enumerate(hits, 1)]
        return "\n".join(lines) or "Error: nothing found; try other words."

    def folder(**named: str) -> str:
        directory = named.get(shelf.path, "").strip("/")
        prefix = directory + "/" if directory else ""
        inside = {path[len(prefix) :] for path in files if path.startswith(prefix)}
        entries = {name.split("/")[0] + ("/" if "/" in name else "") for name in inside}
        if not entries:
            return f"Error: there is no directory {directory!r}."
        return "\n".join(prefix + entry for entry in sorted(entries))

    def show(**named: str) -> str:
        file = named[shelf.file]
        return files.get(file, f"Error: there is no file {file!r}; see {shelf.folder}.")

    return {shelf.find: find, shelf.folder: folder, shelf.show: show}


def _file_schemas(shelf: _Shelf) -> tuple[dict[str, Any], ...]:
    return (
        schema(
            shelf.find,
            "Find files by words. Gives file names with the beginning of their text.",
            **{shelf.query: text("Words to search for")},
            limit={"type": "integer", "minimum": 1, "maximum": shelf.most_hits, "optional": True},
        ),
        schema(
            shelf.folder,
            "What is in a directory.",
            **{shelf.path: text("A directory; empty for the top", optional=True)},
        ),
        schema(
            shelf.show,
            "The whole text of a file.",
            **{shelf.file: text("A file's full name, as it was given")},
        ),
    )


def _ask(sheet: Sheet, source: str, rng: random.Random, easy: bool) -> Problem:
    """A question of the table, or now and then of the prose beside it."""
    in_prose = sheet.remarks and rng.random() < 0.45
    return (ask_remark if in_prose else ask)(sheet, source, rng, easy)


def _sheet_text(sheet: Sheet, rng: random.Random, most_before: int = 20) -> str:
    """A title and prose before the table, prose after it: up to some forty lines."""
    year = max(sheet.years)

    def sentence() -> str:
        return rng.choice(FILLER).format(
            year=year,
            last_year=year - 1,
            n=rng.randint(2, 90),
            m=rng.randint(2, 12),
            label=rng.choice(sheet.labels[:-1]),
        )

    before = [sentence() for _ in range(rng.randint(2, most_before))]
    after = [sentence() for _ in range(rng.randint(1, 12))]
    for fact in sheet.remarks:
        place = rng.choice((before, after))
        place.insert(rng.randint(0, len(place)), fact.sentence(rng))
    before.insert(0, f"Station {sheet.site}, {sheet.title} of {year}.")
    return "\n".join([*before, "", *sheet.lines(), "", *after])


def _snippet(body: str) -> str:
    return " ".join(body.split())[:160]


def slate(rng: random.Random, problems: int, easy: bool = False) -> World:
    """Small bare tables, fetched by a code that the question names: arithmetic practice."""
    sheets = {
        code: make_sheet(f"slate {code}", rng, small=easy) for code in _codes("QRSV", 60, rng)
    }
    texts = {code: "\n".join(sheet.lines()) for code, sheet in sheets.items()}
    return _by_code("slate", sheets, texts, problems, rng)


def notebook(rng: random.Random, problems: int, easy: bool = False) -> World:
    """The same with prose around the tables, which tells facts of its own and leads astray."""
    sheets: dict[str, Sheet] = {}
    for code in _codes("BDGTX", 60, rng):
        site = f"note {code}"
        if rng.random() < 0.5:
            sheets[code] = make_plan(site, rng)
        else:
            sheets[code] = make_sheet(site, rng, small=easy).with_remarks(rng)
    texts = {code: _sheet_text(sheet, rng, most_before=8) for code, sheet in sheets.items()}
    return _by_code("notebook", sheets, texts, problems, rng)


def _codes(letters: str, count: int, rng: random.Random) -> list[str]:
    codes = [
        f"{rng.choice(letters)}{rng.randint(10, 99)}-{rng.randint(1, 9)}" for _ in range(count)
    ]
    return list(dict.fromkeys(codes))


def _by_code(
    name: str, sheets: dict[str, Sheet], texts: dict[str, str], problems: int, rng: random.Random
) -> World:
    """A world of one tool that takes a code."""
    tool = f"open_{name}"

    def open_it(code: str) -> str:
        return texts.get(code, f"Error: there is nothing under {code!r}.")

    schemas = (schema(tool, f"Show a {name}.", code=text(f"The code of the {name}")),)
    chosen = [rng.choice(list(sheets)) for _ in range(problems)]
    asked = [_ask(sheets[code], code, rng, easy=False) for code in chosen]
    return World(name, {tool: open_it}, schemas, asked)


NOUNS = ("vase", "lamp", "mask", "drum", "coin", "loom", "clock", "globe", "chest", "flute")
STUFFS = ("bronze", "cedar", "amber", "slate", "ivory", "copper", "walnut", "glass")
STYLES = ("painted", "plain", "carved", "folding", "gilded", "cracked")


def museum(rng: random.Random, problems: int, easy: bool = False) -> World:
    """An inventory that answers with JSON: search objects, then fetch one by its key."""
    names = [f"{style} {stuff} {noun}" for style in STYLES for stuff in STUFFS for noun in NOUNS]
    objects: dict[str, dict[str, Any]] = {}
    for name in rng.sample(names, 120):
        key = f"{rng.choice('KLMNP')}{rng.randint(100, 999)}-{rng.randint(10, 99)}"
        objects[key] = {
            "object_key": key,
            "label": name,
            "room": f"R{rng.randint(1, 30)}",
            "donor": rng.choice(("Ames", "Birch", "Cole", "Dorn", "Ekel", "Fenn")),
            "weight_grams": rng.randint(40, 9000),
            "height_mm": rng.randint(20, 1800),
            "year_made": rng.randint(1500, 1890),
        }
    labels = {key: str(entry["label"]) for key, entry in objects.items()}

    def find_objects(phrase: str) -> str:
        hits = best_matches(phrase, labels, 5)
        return json.dumps([{"object_key": key, "label": labels[key]} for key in hits])

    def get_object(object_key: str) -> str:
        if object_key not in objects:
            return f"Error: no object has the key {object_key!r}."
        return json.dumps(objects[object_key])

    schemas = (
        schema("find_objects", "Search the inventory.", phrase=text("A phrase to search")),
        schema("get_object", "Everything known of one object.", object_key=text("Its key")),
    )
    keys = sorted(objects)
    asked = [_ask_museum(objects, rng.choice(keys), rng, easy) for _ in range(problems)]
    return World("museum", {"find_objects": find_objects, "get_object": get_object}, schemas, asked)


def _ask_museum(
    objects: dict[str, dict[str, Any]], key: str, rng: random.Random, easy: bool
) -> Problem:
    entry = objects[key]
    label = entry["label"]
    field = rng.choice(("weight_grams", "height_mm"))
    word = "weight" if field == "weight_grams" else "height"
    choices = (
        Problem(f"Which key does the {label} have?", key, "text", key),
        Problem(f"What is the identifier of the {label} in the inventory?", key, "text", key),
        Problem(f"In which room is the {label}?", entry["room"], "text", key),
        Problem(f"What is the {word} of the {label}?", float(entry[field]), "amount", key),
        Problem(f"Who is the donor of the {label}?", entry["donor"], "text", key),
    )
    return rng.choice(choices[:2] if easy else choices)


def timetable(rng: random.Random, problems: int, easy: bool = False) -> World:
    """Railway lines: one tool takes nothing, the other the code of a line."""
    lines: dict[str, Sheet] = {}
    for site in SITES[:8]:
        lines[f"{site[:2].upper()}{rng.randint(10, 99)}"] = make_sheet(site, rng)
    codes = {sheet.site: code for code, sheet in lines.items()}

    def all_lines() -> str:
        return "\n".join(f"{code}: {sheet.site} line" for code, sheet in lines.items())

    def line_book(code: str) -> str:
        if code not in lines:
            return f"Error: there is no line {code!r}; see all_lines."
        sheet = lines[code]
        return "\n".join([f"Line book of the {sheet.site} line.", "", *sheet.lines()])

    schemas = (
        schema("all_lines", "The codes of all lines."),
        schema("line_book", "The book of a line, year by year.", code=text("The line's code")),
    )
    asked = []
    for _ in range(problems):
        sheet = rng.choice(list(lines.values()))
        if rng.random() < 0.3:
            asked.append(
                Problem(f"What code has the {sheet.site} line?", codes[sheet.site], "text")
            )
        else:
            asked.append(ask(sheet, codes[sheet.site], rng, easy))
    return World("timetable", {"all_lines": all_lines, "line_book": line_book}, schemas, asked)


TERMS = (
    "barrow", "cask", "dram", "ell", "firkin", "gill", "hank", "kilderkin", "last", "mease",
    "nail", "ounce", "peck", "quire", "rod", "sack", "tod", "wey", "yard", "butt",
)  # fmt: skip


def glossary(rng: random.Random, problems: int, easy: bool = False) -> World:
    """Old measures explained in prose: numbers with a year each, in sentences."""
    entries: dict[str, str] = {}
    facts: dict[str, tuple[int, int, float, float, str]] = {}
    for term in TERMS:
        year = rng.randint(1700, 1850)
        later = year + rng.randint(1, 40)
        old, new = rng.randint(20, 900) / 10, rng.randint(20, 900) / 10
        code = f"{term[:2].upper()}-{rng.randint(100, 999)}"
        entries[term] = (
            f"The {term} is a measure of old markets. {rng.choice(PLAIN)}\n"
            f"Code: {code}\n"
            f"The {term} held {old} pounds in {year} and {new} pounds in {later}. "
            f"{rng.choice(PLAIN)}"
        )
        facts[term] = (year, later, old, new, code)

    def lookup(term: str) -> str:
        found = entries.get(term.lower()) or entries.get(
            (best_matches(term, entries, 1) or [""])[0]
        )
        return found or f"Error: no entry for {term!r}."

    schemas = (schema("lookup", "Explain a word of old measures.", term=text("The word")),)
    asked = [_ask_glossary(facts, rng, easy) for _ in range(problems)]
    return World("glossary", {"lookup": lookup}, schemas, asked)


def _ask_glossary(
    facts: dict[str, tuple[int, int, float, float, str]], rng: random.Random, easy: bool
) -> Problem:
    term = rng.choice(TERMS)
    year, later, old, new, code = facts[term]
    choices = (
        Problem(f"What is the code of the {term}?", code, "text", term),
        Problem(f"How many pounds did the {term} hold in {later}?", new, "amount", term),
        Problem(f"How many pounds did the {term} hold in {year}?", old, "amount", term),
        Problem(
            f"What was the difference between the pounds of the {term} in {later} and in {year}?",
            new - old,
            "amount",
            term,
        ),
        Problem(
            f"By what percent did the {term} change from {year} to {later}?",
            100 * (new - old) / old,
            "percent",
            term,
        ),
    )
    return rng.choice(choices[:3] if easy else choices)


FAMILIES: dict[str, Callable[[random.Random, int, bool], World]] = {
    "archive": archive,
    "depot": depot,
    "slate": slate,
    "notebook": notebook,
    "museum": museum,
    "timetable": timetable,
    "glossary": glossary,
}

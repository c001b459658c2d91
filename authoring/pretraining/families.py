"""The pretraining worlds. Each is drawn from a seed; none has anything to do with reports."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from authoring.pretraining.almanac import Page, ask, make_page
from authoring.pretraining.world import Function, Problem, World, best_matches, schema, text

PLAIN = (
    "The keeper signed the page in the evening.",
    "Entries were copied from the day book by candle light.",
    "Readings were taken at noon unless the weather forbade it.",
)
ARCHIVE_PAGES = 240
MOST_HITS = 10


def archive(rng: random.Random, problems: int) -> World:
    """Almanac pages in folders by place and year: grep, ls and read over prose and tables."""
    pages: dict[str, Page] = {}
    for number in range(ARCHIVE_PAGES):
        page = make_page(rng)
        pages[f"{_folder(page.site)}/{page.year}/sheet_{number}.txt"] = page
    files = {path: page.text for path, page in pages.items()}
    asked = []
    for _ in range(problems):
        path = rng.choice(list(pages))
        asked.append(ask(pages[path], path, rng))

    def grep(words: str, limit: int = 4) -> str:
        if not words.strip():
            return "Error: no words to look for."
        hits = best_matches(words, files, max(1, min(int(limit), MOST_HITS)))
        lines = [f"{n}. {path}\n   {_snippet(files[path])}" for n, path in enumerate(hits, 1)]
        return "\n".join(lines) or "Error: nothing found; try other words."

    def ls(directory: str = "") -> str:
        prefix = directory.strip("/") + "/" if directory.strip("/") else ""
        inside = {path[len(prefix) :] for path in files if path.startswith(prefix)}
        entries = {name.split("/")[0] + ("/" if "/" in name else "") for name in inside}
        if not entries:
            return f"Error: there is no directory {directory!r}."
        return "\n".join(prefix + entry for entry in sorted(entries))

    def read(file: str) -> str:
        return files.get(file, f"Error: there is no file {file!r}; see ls.")

    schemas = (
        schema(
            "grep",
            "Find files by words. Gives file names with the beginning of their text.",
            words=text("Words to search for"),
            limit={
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_HITS,
                "default": 4,
                "optional": True,
            },
        ),
        schema(
            "ls",
            "What is in a directory.",
            directory=text("A directory; empty for the top", optional=True),
        ),
        schema(
            "read",
            "The whole text of a file.",
            file=text("A file's full name, as it was given"),
        ),
    )
    return World("archive", {"grep": grep, "ls": ls, "read": read}, schemas, asked, reads=("read",))


def _folder(site: str) -> str:
    """A short name for a place, as the archive's folders have: "FLCH" for Falcon Harbour."""
    first, second = site.split()
    consonants = [letter for letter in first[1:] if letter not in "aeiou"]
    return (first[0] + "".join(consonants[:2]) + second[0]).upper()


def _snippet(body: str) -> str:
    return " ".join(body.split())[:160]


NOUNS = ("vase", "lamp", "mask", "drum", "coin", "loom", "clock", "globe", "chest", "flute")
STUFFS = ("bronze", "cedar", "amber", "slate", "ivory", "copper", "walnut", "glass")
STYLES = ("painted", "plain", "carved", "folding", "gilded", "cracked")


def museum(rng: random.Random, problems: int) -> World:
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
    asked = [_ask_museum(objects, rng.choice(keys), rng) for _ in range(problems)]
    return World(
        "museum",
        {"find_objects": find_objects, "get_object": get_object},
        schemas,
        asked,
        reads=("get_object",),
    )


def _ask_museum(objects: dict[str, dict[str, Any]], key: str, rng: random.Random) -> Problem:
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
    return rng.choice(choices)


def timetable(rng: random.Random, problems: int) -> World:
    """Places with a code each: one tool takes nothing and lists them, the other takes a code."""
    pages = {page.site: page for page in (make_page(rng) for _ in range(14))}
    codes = {
        site: f"{site[:2].upper()}{number}{rng.randint(0, 9)}" for number, site in enumerate(pages)
    }
    by_code = {code: pages[site] for site, code in codes.items()}

    def all_places() -> str:
        return "\n".join(f"{code}: {page.site}" for code, page in by_code.items())

    def day_book(code: str) -> str:
        found = by_code.get(code)
        return found.text if found else f"Error: there is no code {code!r}; see all_places."

    schemas = (
        schema("all_places", "The codes of all places."),
        schema("day_book", "The book of a place, year by year.", code=text("The place's code")),
    )
    asked = []
    for _ in range(problems):
        site = rng.choice(list(pages))
        if rng.random() < 0.3:
            asked.append(Problem(f"What code has the book of {site}?", codes[site], "text"))
        else:
            asked.append(ask(pages[site], codes[site], rng, named=True))
    functions: dict[str, Function] = {"all_places": all_places, "day_book": day_book}
    return World("timetable", functions, schemas, asked, reads=("day_book",))


TERMS = (
    "barrow", "cask", "dram", "ell", "firkin", "gill", "hank", "kilderkin", "last", "mease",
    "nail", "ounce", "peck", "quire", "rod", "sack", "tod", "wey", "yard", "butt",
)  # fmt: skip


def glossary(rng: random.Random, problems: int) -> World:
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
    asked = [_ask_glossary(facts, rng) for _ in range(problems)]
    return World("glossary", {"lookup": lookup}, schemas, asked, reads=("lookup",))


def _ask_glossary(
    facts: dict[str, tuple[int, int, float, float, str]], rng: random.Random
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
    return rng.choice(choices)


FAMILIES: dict[str, Callable[[random.Random, int], World]] = {
    "archive": archive,
    "museum": museum,
    "timetable": timetable,
    "glossary": glossary,
}

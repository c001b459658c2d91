"""The rules for a lesson: for its source before anything runs, for its outputs, for its time.

Each rule is a generator of problems; a problem names the cell, what is wrong, and the fix.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from authoring.course.findings import not_shown, values_in
from authoring.course.source import BEGIN, EFFORT, END, HEADING, UNCOMPARED, exercises, solved, stub
from buildhour_helpers import checks

COLUMNS = 76
EXERCISES_PER_LESSON = range(2, 5)
DIFFICULTIES = range(1, 6)
TIME = re.compile(r"\*\*Time\*\* (\d+) minutes")
MOST_MINUTES_OFF = 3
SECTIONS = ("Take it with you", "With a real model", "Recap", "Three questions")
OURS = r"\bbuildhour_helpers\b|\bsession\.(start|stop|model|describe|scratch)\b"

Cells = Sequence[NotebookNode]


@dataclass(frozen=True)
class Problem:
    """What is wrong in a cell (its index; None: in the lesson), and the fix."""

    cell: int | None
    wrong: str
    fix: str


Problems = Iterator[Problem]


def of_source(number: str, cells: Cells) -> list[Problem]:
    """All that is wrong in the source of lesson `number` ("01")."""
    found = [problem for rule in CELL_RULES for problem in rule(cells)]
    found += exercises_are_whole(number, cells)
    for rule in EXERCISE_RULES:  # each reads what the one before has found whole
        found += [] if found else rule(cells)
    return found


def lines_are_short(cells: Cells) -> Problems:
    for index, line in _code_lines(cells):
        if len(line) > COLUMNS:
            yield Problem(
                index,
                f"a code line of {len(line)} columns: {line.strip()[:40]}...",
                f"break it at {COLUMNS}",
            )


def time_is_as_measured(cells: Cells) -> Problems:
    """The first cell tells how long the lesson takes; the course's table measures it."""
    stated = TIME.search(cells[0].source)
    measured = shape(cells)["minutes"]
    if stated is None:
        yield Problem(0, "it states no time", f"**Time** {measured:.0f} minutes")
    elif abs(int(stated[1]) - measured) > MOST_MINUTES_OFF:
        yield Problem(
            0,
            f"it states {stated[1]} minutes, and {measured:.0f} are measured",
            "state what `python -m authoring.course table` measures, or shorten the lesson",
        )


def no_magic(cells: Cells) -> Problems:
    """A magic or shell line that fails passes nbval unseen, and runs nowhere but in a notebook."""
    for index, line in _code_lines(cells):
        if re.match(r"\s*[%!]\S", line) or re.match(r"\s*#\s*NBVAL_", line):
            yield Problem(
                index, f"`{line.strip()[:40]}`", "plain Python; cell tags instead of comments"
            )


def no_empty_cells(cells: Cells) -> Problems:
    for index, cell in enumerate(cells):
        if not cell.source.strip():
            yield Problem(index, "an empty cell", "delete it; nbval could not compare it")


def pictures_in_prose_have_alt_text(cells: Cells) -> Problems:
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown" and lacks_alt_text(cell.source):
            yield Problem(index, "a picture without alt text", "say in it what the picture shows")


def lacks_alt_text(text: str) -> bool:
    """Whether Markdown or HTML holds a picture without alternative text."""
    tags: list[str] = re.findall(r"<img\b[^>]*>", text, re.IGNORECASE)
    without = [tag for tag in tags if not re.search(r"\balt\s*=\s*(['\"])\s*[^'\"\s]", tag)]
    return bool(without or re.search(r"!\[\s*\]\(", text))


def has_its_sections(cells: Cells) -> Problems:
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for section in SECTIONS:
        if not re.search(rf"^## {section}$", prose, re.MULTILINE):
            yield Problem(None, f'it has no section "{section}"', f"write one: ## {section}")


def uncompared_has_an_equal(cells: Cells) -> Problems:
    code = [(index, cell) for index, cell in enumerate(cells) if cell.cell_type == "code"]
    for (index, cell), (_, after) in zip(code, [*code[1:], (0, None)], strict=True):
        if _is_uncompared(cell) and (after is None or _is_uncompared(after)):
            yield Problem(
                index,
                "its output is not compared, and no compared cell follows it",
                "print what it shows in the next cell",
            )


def taken_cells_stand_alone(cells: Cells) -> Problems:
    for index, cell in enumerate(cells):
        if "take" in cell.metadata and re.search(OURS, cell.source):
            yield Problem(
                index,
                "a cell to take along uses buildhour_helpers",
                "plain openai client code, or no take= in its metadata",
            )


def exercises_are_whole(number: str, cells: Cells) -> Problems:
    """Number, title, difficulty, minutes, markers, check and hints of every exercise."""
    seen: list[str] = []
    for index, cell in enumerate(cells):
        if "exercise" in cell.metadata:
            yield from _whole(number, cells, index, seen)
        elif cell.cell_type == "code" and (BEGIN in cell.source or END in cell.source):
            yield Problem(
                index,
                "solution markers in a cell that is not an exercise",
                '# %% exercise="N.M" difficulty=D minutes=M',
            )
        elif HEADING.search(cell.source) and not _is_exercise(cells, index + 1):
            yield Problem(
                index,
                "an exercise's heading, and no exercise's cell after it",
                'let `# %% exercise="N.M" difficulty=D minutes=M` follow it',
            )
    wanted = [f"{int(number)}.{n}" for n in range(1, len(seen) + 1)]
    if seen != wanted:
        yield Problem(None, f"exercises {', '.join(seen)}", f"number them {', '.join(wanted)}")
    if len(seen) not in EXERCISES_PER_LESSON:
        yield Problem(None, f"{len(seen)} exercises", "a lesson has 2 to 4")


def _whole(number: str, cells: Cells, index: int, seen: list[str]) -> Problems:
    cell = cells[index]
    name = cell.metadata["exercise"]
    if not isinstance(name, str) or not re.fullmatch(rf"{int(number)}\.\d", name):
        yield Problem(index, f"exercise={name!r} in lesson {number}", f'exercise="{int(number)}.N"')
        return
    seen.append(name)
    difficulty, minutes = cell.metadata.get("difficulty"), cell.metadata.get("minutes")
    if difficulty not in DIFFICULTIES:
        yield Problem(index, f"difficulty={difficulty!r}", "difficulty=1 to difficulty=5")
    if not isinstance(minutes, int) or minutes < 1:
        yield Problem(index, f"minutes={minutes!r}", "minutes=N, how long a learner needs")
    announced = cells[index - 1].source if index else ""
    heading, effort = HEADING.search(announced), EFFORT.search(announced)
    if heading is None or heading[1] != name:
        yield Problem(
            index, "no heading in the cell before it", f"begin that with ### Exercise {name}: title"
        )
    if effort is None or (int(effort[1]), int(effort[2])) != (difficulty, minutes):
        yield Problem(
            index,
            "its heading does not tell the same effort",
            f"below the heading: Difficulty {difficulty}/5 · {minutes} minutes",
        )
    yield from _marked(index, cell.source)
    yield from _checked(cells, index, name)


def _marked(index: int, code: str) -> Problems:
    markers = [line.strip() for line in code.splitlines() if line.strip() in (BEGIN, END)]
    if not markers or markers != [BEGIN, END] * (len(markers) // 2):
        yield Problem(
            index,
            f"markers {', '.join(markers) or 'none'}",
            f"each `{BEGIN}` has its `{END}`, each on a separate line",
        )


def _checked(cells: Cells, index: int, name: str) -> Problems:
    check = f"exercise_{name.replace('.', '_')}"
    after = cells[index + 1].source if index + 1 < len(cells) else ""
    if f"checks.{check}(" not in after:
        yield Problem(index, "no check in the cell after it", f"let checks.{check}(ANSWER) follow")
    elif not hasattr(checks, check):
        yield Problem(index, f"checks has no {check}", "write it in the lesson's checks module")
    hints = checks.hints_of(name) or ()
    if len(hints) != 3 or not all(hint.strip() for hint in hints):
        yield Problem(
            index,
            f"{len(hints)} hints in checks",
            f'HINTS = {{"{name}": ("a nudge", "the method", "nearly the answer")}} in the '
            "lesson's module",
        )


def stubs_can_be_run(cells: Cells) -> Problems:
    """A stub is Python, short enough to be read, and defines whatever its check is given."""
    for exercise in exercises(cells):
        code = cells[exercise.cell].source
        left = stub(code, exercise)
        too_wide = max(map(len, left.splitlines())) - COLUMNS
        if too_wide > 0:
            yield Problem(
                exercise.cell,
                f"the stub has a line of {COLUMNS + too_wide} columns",
                f"shorten the exercise's title by {too_wide}",
            )
        try:
            tree = ast.parse(left)
            before_it_raises = names_bound(until_raise(tree))
        except SyntaxError as error:
            yield Problem(
                exercise.cell,
                f"the stub is not Python: {error.msg}",
                "place the markers around whole statements",
            )
            continue
        asked = names_read(ast.parse(cells[exercise.cell + 1].source))
        missing = (asked & names_bound(ast.parse(solved(code)))) - before_it_raises
        if missing:
            name = min(missing)
            yield Problem(
                exercise.cell,
                f"its check is given {name}, which the stub does not define",
                f"write `{name} = None` above {BEGIN}",
            )


def no_later_cell_needs_a_solution(cells: Cells) -> Problems:
    """What an exercise's cell binds is for its check alone, unless it is bound again."""
    for exercise in exercises(cells):
        code = cells[exercise.cell].source
        its_own = names_bound(ast.parse(solved(code)))
        its_own -= names_imported(ast.parse(stub(code, exercise)))
        for index in range(exercise.cell + 2, len(cells)):
            if cells[index].cell_type != "code" or not its_own:
                continue
            tree = ast.parse(solved(cells[index].source))
            needed = (names_read(tree) & its_own) - names_bound(tree)
            if needed:
                yield Problem(
                    index,
                    f"it needs {min(needed)} of exercise {exercise.number}",
                    "a learner may not have solved it: define it again, or use another name",
                )
            its_own -= names_bound(tree)


def _code_lines(cells: Cells) -> Iterator[tuple[int, str]]:
    for index, cell in enumerate(cells):
        if cell.cell_type == "code":
            for line in cell.source.splitlines():
                yield index, line


def _is_uncompared(cell: NotebookNode) -> bool:
    return UNCOMPARED in cell.metadata.get("tags", ())


def _is_exercise(cells: Cells, index: int) -> bool:
    return index < len(cells) and "exercise" in cells[index].metadata


CELL_RULES: tuple[Callable[[Cells], Problems], ...] = (
    lines_are_short,
    time_is_as_measured,
    no_magic,
    no_empty_cells,
    pictures_in_prose_have_alt_text,
    has_its_sections,
    uncompared_has_an_equal,
    taken_cells_stand_alone,
)
EXERCISE_RULES: tuple[Callable[[Cells], Problems], ...] = (
    stubs_can_be_run,
    no_later_cell_needs_a_solution,
)


READING_WORDS_PER_MINUTE = 130
"""Of technical prose, with its outputs looked at."""
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
"""Diagrams and code within Markdown: no prose."""
RUNNING_MINUTES_PER_CELL = 0.25
"""To read a short cell, run it, and read what comes."""


def shape(cells: Sequence[NotebookNode]) -> dict[str, float]:
    """Minutes (reading, running, exercises), cells, words per code line, and how long code is."""
    prose = [FENCED.sub("", cell.source) for cell in cells if cell.cell_type == "markdown"]
    code = [
        sum(1 for line in cell.source.splitlines() if line.strip())
        for cell in cells
        if cell.cell_type == "code"
    ]
    words = sum(len(re.findall(r"\b\w[\w'-]*", text)) for text in prose)
    exercises = [cell.metadata for cell in cells if "exercise" in cell.metadata]
    exercise_minutes = sum(exercise.get("minutes", 0) for exercise in exercises)
    reading = words / READING_WORDS_PER_MINUTE + RUNNING_MINUTES_PER_CELL * len(code)
    return {
        "minutes": round(reading + exercise_minutes),
        "exercises": len(exercises),
        "cells": len(cells),
        "code cells": len(code),
        "words per code line": round(words / max(1, sum(code)), 1),
        "median cell": statistics.median(code),
        "p90 cell": sorted(code)[int(0.9 * (len(code) - 1))],
        "longest cell": max(code),
    }


CELL_BUDGET_S = 20.0
LESSON_BUDGET_S = 60.0
PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif")

LEAKS = {
    "a path of this machine": (
        r"(?<![\w./])/(?:home|root|Users|tmp|work|private|mnt|opt|var|usr)/\w|\b[A-Z]:\\\w|"
        r"ipykernel_\d+"
    ),
    "an address with its port": r"\b(?:127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1\]):\d+",
    "something like a key": (
        r"\bsk-[\w-]{8,}|\b[Bb]earer (?=\S*\d)[\w.~+/=-]{12,}|\bhf_\w{20,}|\bgh[pousr]_\w{20,}|"
        r"\b(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[A-Za-z0-9_-]{32,}\b"
    ),
}
"""What no output may hold. The last kind of key is any long mixed token."""
VARYING = {
    "an ID that differs on each run": (
        r"\b(?:ftjob|file|resp|ftckpt|ftevent|chatcmpl)[-_](?=\w*\d)\w{8,}"
    ),
    "an object's address in memory": r"\bat 0x[0-9a-f]{6,}",
}
"""What no output that is compared may hold."""


def of_outputs(cells: Sequence[NotebookNode]) -> list[Problem]:
    """All that is wrong with the outputs of an executed notebook."""
    return [problem for rule in OUTPUT_RULES for problem in rule(cells)]


def of_findings(templates: Sequence[str], cells: Sequence[NotebookNode]) -> list[Problem]:
    """Numbers in the prose of an executed notebook that no output shows; `templates` are the cells'
    sources before they were filled in."""
    outputs = "\n".join(_readable(output) for _, output in _outputs(cells))
    return [
        Problem(index, f"its prose says {value}, and no output shows it", "print that number")
        for index, (template, cell) in enumerate(zip(templates, cells, strict=False))
        if cell.cell_type == "markdown"
        for value in not_shown(values_in(template, cell.source) or (), outputs)
    ]


def of_times(seconds: Mapping[int, float], patience: float) -> list[Problem]:
    """What took too long: `seconds` by cell index, budgets stretched by `patience`."""
    fix = "fewer rollouts or steps, or a recording; --patience FACTOR if the machine is busy"
    found = [
        Problem(index, f"took {taken:.1f} s of {CELL_BUDGET_S * patience:.0f}", fix)
        for index, taken in seconds.items()
        if taken > CELL_BUDGET_S * patience
    ]
    whole = sum(seconds.values())
    if whole > LESSON_BUDGET_S * patience:
        found.append(
            Problem(None, f"the lesson took {whole:.0f} s of {LESSON_BUDGET_S * patience:.0f}", fix)
        )
    return found


def every_cell_was_run(cells: Sequence[NotebookNode]) -> Problems:
    for index, cell in enumerate(cells):
        if cell.cell_type == "code" and cell.execution_count is None:
            yield Problem(
                index,
                "execution count null: nbval would never compare it",
                "build the lesson again; a cell that runs nothing is to be deleted",
            )


def pictures_have_alt_text(cells: Sequence[NotebookNode]) -> Problems:
    for index, output in _outputs(cells):
        pictures = [kind for kind in PICTURES if kind in output.get("data", {})]
        silent = [kind for kind in pictures if not _alt(output, kind)]
        if silent or lacks_alt_text(_text(output.get("data", {}).get("text/html", ""))):
            yield Problem(
                index,
                "a picture without alt text in its output",
                "show a Chart of analysis.figures, or give its display metadata an `alt`",
            )


def nothing_leaks(cells: Sequence[NotebookNode]) -> Problems:
    for index, output in _outputs(cells):
        kinds = LEAKS if UNCOMPARED in cells[index].metadata.get("tags", ()) else LEAKS | VARYING
        for kind, pattern in kinds.items():
            found = re.search(pattern, _readable(output))
            if found:
                yield Problem(index, f"{kind} in its output: {found[0][:20]}...", "do not print it")


def nothing_on_stderr(cells: Sequence[NotebookNode]) -> Problems:
    for index, output in _outputs(cells):
        if output.get("name") == "stderr" and UNCOMPARED not in cells[index].metadata.get(
            "tags", ()
        ):
            yield Problem(
                index,
                f"it wrote to stderr: {_text(output.text).strip()[:60]}",
                "fix what it warns about; draw progress bars with tqdm.auto",
            )


def _outputs(cells: Sequence[NotebookNode]) -> Iterator[tuple[int, NotebookNode]]:
    for index, cell in enumerate(cells):
        for output in cell.get("outputs", ()):
            yield index, output


def _alt(output: NotebookNode, kind: str) -> str:
    metadata = output.get("metadata", {})
    return str(metadata.get(kind, {}).get("alt") or metadata.get("alt") or "").strip()


def _readable(output: NotebookNode) -> str:
    """All text of an output; pictures are base64, and left out."""
    data = {k: v for k, v in output.get("data", {}).items() if k not in PICTURES}
    parts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", ())]
    metadata = json.dumps(output.get("metadata", {}))
    return "\n".join([_text(part) for part in (*parts, *data.values())] + [metadata])


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


OUTPUT_RULES: tuple[Callable[[Sequence[NotebookNode]], Problems], ...] = (
    every_cell_was_run,
    pictures_have_alt_text,
    nothing_leaks,
    nothing_on_stderr,
)


SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
"""What keeps the names that it binds to itself."""
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def names_bound(tree: ast.AST) -> set[str]:
    """Names that code binds at its top level, or in a block there: also those it imports."""
    names = names_imported(tree)
    for node in _top_level(tree):
        if isinstance(node, NAMED):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def names_read(tree: ast.AST) -> set[str]:
    """Names that code reads, wherever it does."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def names_imported(tree: ast.AST) -> set[str]:
    """Names that code imports."""
    aliases = (node for node in ast.walk(tree) if isinstance(node, ast.alias))
    return {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


def until_raise(tree: ast.Module) -> ast.Module:
    """The statements that a stub runs before it raises."""
    raising = (number for number, one in enumerate(tree.body) if isinstance(one, ast.Raise))
    return ast.Module(tree.body[: next(raising, len(tree.body))], [])


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those inside functions, classes and comprehensions."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, SCOPES):
            yield from _top_level(node)

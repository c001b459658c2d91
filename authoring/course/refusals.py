"""What the builder refuses in a source, before anything is run.

Each rule is a generator of complaints; a complaint names the cell, what is wrong, and the cure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from authoring.course.building import UNCOMPARED
from authoring.course.exercises import BEGIN, EFFORT, END, HEADING, exercises, solved, stub
from authoring.course.names import bound, imported, read, until_raise
from authoring.course.table import shape
from buildhour_helpers import checks

COLUMNS = 76
EXERCISES_PER_LESSON = range(2, 5)
DIFFICULTIES = range(1, 6)
TIME = re.compile(r"\*\*Time\*\* (\d+) minutes")
MOST_MINUTES_OFF = 3
OURS = r"\bbuildhour_helpers\b|\bsession\.(start|stop|model|describe|scratch)\b"

Cells = Sequence[NotebookNode]


@dataclass(frozen=True)
class Complaint:
    """What is wrong in a cell (its index; None: in the lesson), and the cure."""

    cell: int | None
    wrong: str
    cure: str


Complaints = Iterator[Complaint]


def of_source(number: str, cells: Cells) -> list[Complaint]:
    """All that is wrong in the source of lesson `number` ("01")."""
    found = [complaint for rule in CELL_RULES for complaint in rule(cells)]
    found += exercises_are_whole(number, cells)
    for rule in EXERCISE_RULES:  # each reads what the one before has found whole
        found += [] if found else rule(cells)
    return found


def lines_are_short(cells: Cells) -> Complaints:
    for index, line in _code_lines(cells):
        if len(line) > COLUMNS:
            yield Complaint(
                index,
                f"a code line of {len(line)} columns: {line.strip()[:40]}...",
                f"break it at {COLUMNS}",
            )


def time_is_as_measured(cells: Cells) -> Complaints:
    """The first cell tells how long the lesson takes; the course's table measures it."""
    stated = TIME.search(cells[0].source)
    measured = shape(cells)["minutes"]
    if stated is None:
        yield Complaint(0, "it states no time", f"**Time** {measured:.0f} minutes")
    elif abs(int(stated[1]) - measured) > MOST_MINUTES_OFF:
        yield Complaint(
            0,
            f"it states {stated[1]} minutes, and {measured:.0f} are measured",
            "state what `python -m authoring.course table` measures, or shorten the lesson",
        )


def no_magic(cells: Cells) -> Complaints:
    """A magic or shell line that fails passes nbval unseen, and runs nowhere but in a notebook."""
    for index, line in _code_lines(cells):
        if re.match(r"\s*[%!]\S", line) or re.match(r"\s*#\s*NBVAL_", line):
            yield Complaint(
                index, f"`{line.strip()[:40]}`", "plain Python; cell tags instead of comments"
            )


def no_empty_cells(cells: Cells) -> Complaints:
    for index, cell in enumerate(cells):
        if not cell.source.strip():
            yield Complaint(index, "an empty cell", "delete it; nbval could not compare it")


def pictures_in_prose_have_alt_text(cells: Cells) -> Complaints:
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown" and lacks_alt_text(cell.source):
            yield Complaint(index, "a picture without alt text", "say in it what the picture shows")


def lacks_alt_text(text: str) -> bool:
    """Whether Markdown or HTML holds a picture without alternative text."""
    tags: list[str] = re.findall(r"<img\b[^>]*>", text, re.IGNORECASE)
    without = [tag for tag in tags if not re.search(r"\balt\s*=\s*(['\"])\s*[^'\"\s]", tag)]
    return bool(without or re.search(r"!\[\s*\]\(", text))


def uncompared_has_an_equal(cells: Cells) -> Complaints:
    code = [(index, cell) for index, cell in enumerate(cells) if cell.cell_type == "code"]
    for (index, cell), (_, after) in zip(code, [*code[1:], (0, None)], strict=True):
        if _is_uncompared(cell) and (after is None or _is_uncompared(after)):
            yield Complaint(
                index,
                "its output is not compared, and no compared cell follows it",
                "print what it shows in the next cell",
            )


def taken_cells_stand_alone(cells: Cells) -> Complaints:
    for index, cell in enumerate(cells):
        if "take" in cell.metadata and re.search(OURS, cell.source):
            yield Complaint(
                index,
                "a cell to take along uses buildhour_helpers",
                "plain openai client code, or no take= in its metadata",
            )


def exercises_are_whole(number: str, cells: Cells) -> Complaints:
    """Number, title, difficulty, minutes, markers, check and hints of every exercise."""
    seen: list[str] = []
    for index, cell in enumerate(cells):
        if "exercise" in cell.metadata:
            yield from _whole(number, cells, index, seen)
        elif cell.cell_type == "code" and (BEGIN in cell.source or END in cell.source):
            yield Complaint(
                index,
                "solution markers in a cell that is no exercise",
                '# %% exercise="N.M" difficulty=D minutes=M',
            )
        elif HEADING.search(cell.source) and not _is_exercise(cells, index + 1):
            yield Complaint(
                index,
                "an exercise's heading, and no exercise's cell after it",
                'let `# %% exercise="N.M" difficulty=D minutes=M` follow it',
            )
    wanted = [f"{int(number)}.{n}" for n in range(1, len(seen) + 1)]
    if seen != wanted:
        yield Complaint(None, f"exercises {', '.join(seen)}", f"number them {', '.join(wanted)}")
    if len(seen) not in EXERCISES_PER_LESSON:
        yield Complaint(None, f"{len(seen)} exercises", "a lesson has 2 to 4")


def _whole(number: str, cells: Cells, index: int, seen: list[str]) -> Complaints:
    cell = cells[index]
    name = cell.metadata["exercise"]
    if not isinstance(name, str) or not re.fullmatch(rf"{int(number)}\.\d", name):
        yield Complaint(
            index, f"exercise={name!r} in lesson {number}", f'exercise="{int(number)}.N"'
        )
        return
    seen.append(name)
    difficulty, minutes = cell.metadata.get("difficulty"), cell.metadata.get("minutes")
    if difficulty not in DIFFICULTIES:
        yield Complaint(index, f"difficulty={difficulty!r}", "difficulty=1 to difficulty=5")
    if not isinstance(minutes, int) or minutes < 1:
        yield Complaint(index, f"minutes={minutes!r}", "minutes=N, how long a learner needs")
    announced = cells[index - 1].source if index else ""
    heading, effort = HEADING.search(announced), EFFORT.search(announced)
    if heading is None or heading[1] != name:
        yield Complaint(
            index, "no heading in the cell before it", f"begin that with ### Exercise {name}: title"
        )
    if effort is None or (int(effort[1]), int(effort[2])) != (difficulty, minutes):
        yield Complaint(
            index,
            "its heading does not tell the same effort",
            f"below the heading: Difficulty {difficulty}/5 · {minutes} minutes",
        )
    yield from _marked(index, cell.source)
    yield from _checked(cells, index, name)


def _marked(index: int, code: str) -> Complaints:
    markers = [line.strip() for line in code.splitlines() if line.strip() in (BEGIN, END)]
    if not markers or markers != [BEGIN, END] * (len(markers) // 2):
        yield Complaint(
            index,
            f"markers {', '.join(markers) or 'none'}",
            f"each `{BEGIN}` has its `{END}`, on lines of their own",
        )


def _checked(cells: Cells, index: int, name: str) -> Complaints:
    check = f"exercise_{name.replace('.', '_')}"
    after = cells[index + 1].source if index + 1 < len(cells) else ""
    if f"checks.{check}(" not in after:
        yield Complaint(
            index, "no check in the cell after it", f"let checks.{check}(ANSWER) follow"
        )
    elif not hasattr(checks, check):
        yield Complaint(index, f"checks has no {check}", "write it in the lesson's checks module")
    hints = checks.hints_of(name) or ()
    if len(hints) != 2 or not all(hint.strip() for hint in hints):
        yield Complaint(
            index,
            f"{len(hints)} hints in checks",
            f'HINTS = {{"{name}": ("a nudge", "nearly the answer")}} in the lesson\'s module',
        )


def stubs_can_be_run(cells: Cells) -> Complaints:
    """A stub is Python, short enough to be read, and defines whatever its check is given."""
    for exercise in exercises(cells):
        code = cells[exercise.cell].source
        left = stub(code, exercise)
        too_wide = max(map(len, left.splitlines())) - COLUMNS
        if too_wide > 0:
            yield Complaint(
                exercise.cell,
                f"the stub has a line of {COLUMNS + too_wide} columns",
                f"shorten the exercise's title by {too_wide}",
            )
        try:
            tree = ast.parse(left)
            before_it_raises = bound(until_raise(tree))
        except SyntaxError as error:
            yield Complaint(
                exercise.cell,
                f"the stub is no Python: {error.msg}",
                "place the markers around whole statements",
            )
            continue
        asked = read(ast.parse(cells[exercise.cell + 1].source))
        missing = (asked & bound(ast.parse(solved(code)))) - before_it_raises
        if missing:
            name = min(missing)
            yield Complaint(
                exercise.cell,
                f"its check is given {name}, which the stub does not define",
                f"write `{name} = None` above {BEGIN}",
            )


def no_later_cell_needs_a_solution(cells: Cells) -> Complaints:
    """What an exercise's cell binds is for its check alone, unless it is bound anew."""
    for exercise in exercises(cells):
        code = cells[exercise.cell].source
        its_own = bound(ast.parse(solved(code)))
        its_own -= imported(ast.parse(stub(code, exercise)))
        for index in range(exercise.cell + 2, len(cells)):
            if cells[index].cell_type != "code" or not its_own:
                continue
            tree = ast.parse(solved(cells[index].source))
            needed = (read(tree) & its_own) - bound(tree)
            if needed:
                yield Complaint(
                    index,
                    f"it needs {min(needed)} of exercise {exercise.number}",
                    "a learner may not have solved it: define it anew, or use another name",
                )
            its_own -= bound(tree)


def _code_lines(cells: Cells) -> Iterator[tuple[int, str]]:
    for index, cell in enumerate(cells):
        if cell.cell_type == "code":
            for line in cell.source.splitlines():
                yield index, line


def _is_uncompared(cell: NotebookNode) -> bool:
    return UNCOMPARED in cell.metadata.get("tags", ())


def _is_exercise(cells: Cells, index: int) -> bool:
    return index < len(cells) and "exercise" in cells[index].metadata


CELL_RULES: tuple[Callable[[Cells], Complaints], ...] = (
    lines_are_short,
    time_is_as_measured,
    no_magic,
    no_empty_cells,
    pictures_in_prose_have_alt_text,
    uncompared_has_an_equal,
    taken_cells_stand_alone,
)
EXERCISE_RULES: tuple[Callable[[Cells], Complaints], ...] = (
    stubs_can_be_run,
    no_later_cell_needs_a_solution,
)

"""`python -m authoring.study.pages`: docs/results.md, README's result and figure, from data/runs/.

Only what stands between a page's markers is written: the rest, such as "What was tried", is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authoring.study import targets
from authoring.study.figure import draw_study
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.demo.result import COLUMNS
from buildhour_helpers.home import repository
from buildhour_helpers.recordings import RUNS
from buildhour_helpers.templates import text_templates

FIGURE = "docs/figures/study.svg"
PAGES = {"README.md": "readme.md.jinja", "docs/results.md": "results.md.jinja"}
FILES = (*targets.ROWS, "study_no_penalty")
BETWEEN_MARKERS = re.compile(r"(?<=<!-- results:begin -->\n).*(?=<!-- results:end -->)", re.DOTALL)


def main() -> None:
    root, figures = repository(), measured(RUNS)
    (root / FIGURE).write_bytes(draw_study(figures["study"]).svg())
    for page in PAGES:
        text = filled(page, (root / page).read_text(encoding="utf-8"), figures)
        (root / page).write_text(text, encoding="utf-8", newline="\n")


def measured(folder: Path) -> dict[str, Any]:
    """What was measured, by the name of its file; what was not measured is left out."""
    files = {name: folder / f"{name}.json" for name in FILES}
    return {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.exists()
    }


def filled(page: str, text: str, figures: Mapping[str, Any]) -> str:
    """The page with what was measured between its markers."""
    templates = text_templates("authoring.study", ".")
    templates.filters["interval"] = lambda triple, number: format(Interval(*triple), number)
    measured = templates.get_template(PAGES[page]).render(
        **{name: figures.get(name) for name in FILES},
        files=list(figures),
        columns=COLUMNS,
        rows=targets.rows(figures),
        figure=FIGURE,
        chart=draw_study(figures["study"]),
    )
    return BETWEEN_MARKERS.sub(lambda _: measured, text)


if __name__ == "__main__":
    main()

"""The figures that set generated pages beside FinQA's."""

from __future__ import annotations

import pytest

from authoring.corpus import statistics
from authoring.corpus.statistics import FINQA, figures, page_figures
from buildhour_helpers.reports import SHIPPED, Report

NEWEST = Report(
    "A/2012/page_1.pdf",
    ("Sales fell.", "In millions:"),
    (("", "2012", "2011"), ("sales", "$ 12", "(3)"), ("net sales", "4.5%", "—")),
    ("The end.",),
)
OLDEST = Report(
    "B/2012/page_1.pdf",
    ("Rents:",),
    (("(in thousands)", "2010", "2011"), ("2013", "7", "8"), ("2014", "9", "10")),
    (),
)


@pytest.fixture(scope="module")
def shipped() -> dict[str, float]:
    return figures()


def test_the_table_of_the_data_card_is_what_the_command_prints(
    shipped: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(statistics, "figures", lambda folder: shipped)
    assert statistics.main([]) == 0
    assert set(FINQA) <= set(shipped)
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert f"```\n{capsys.readouterr().out}```\n" in card
    unlike = card.partition("Where it is unlike: ")[2].partition("\n\n")[0]
    for name in ("operations, multiply %", "millions %", "billions %"):
        assert f"{shipped[name]:.1f}%" in unlike
        assert f"{FINQA[name]:.1f}%" in unlike


def test_page_figures_count_what_they_say() -> None:
    found = page_figures([NEWEST, OLDEST])
    assert found["years in the header descending %"] == 50
    assert found["years in the header ascending %"] == 50
    assert found["years down the rows %"] == 50
    assert found["first header cell empty %"] == 50
    assert found["unit in the header row %"] == 50
    assert found["thousands %"] == found["millions %"] == 50
    assert found["cells, plain number %"] == 50
    assert found["cells, negative %"] == found["cells, percentage %"] == 12.5
    assert found["a row label contains another %"] == 50
    assert found["same row labels as another page %"] == 0
    assert page_figures([NEWEST, NEWEST])["same row labels as another page %"] == 100

"""The slide deck of the lessons."""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.course.__main__ import main
from authoring.course.source import lessons


def test_every_lesson_has_slides_with_its_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deck.html"
    assert main(["slides", "--output", str(file)]) == 0
    page = file.read_text(encoding="utf-8")
    for lesson in lessons():
        assert f"<h1>{lesson.number} " in page
    count = page.count("<section>")
    assert f"{count} slides" in capsys.readouterr().out
    assert page.count("data:image/png") + page.count("<svg") > len(lessons())
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page

"""Makes the pictures of `docs/screenshots`: the pages, the viewer, the report, and the figures.

    python -m tests.browser.screenshots

It runs a demo of its own for the pages and the report, some minutes long. The figures are drawn
from the recordings in `data/runs`, and those of a grader from the course's labelled answers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from buildhour_helpers import demo, servers
from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.statistics import Agreement, Interval, agreement
from buildhour_helpers.demo.stage import stage
from buildhour_helpers.graders.numeric import Reference, compare
from buildhour_helpers.home import home
from buildhour_helpers.recordings import load, load_records
from buildhour_helpers.tasks import load_labels, load_questions
from rft_service.pages.access import link

from .chromium import chromium

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
NOTE = "simulated model, recorded"


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    draw_figures()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BUILDHOUR_HOME"] = folder
        job_id = demo.run(demo.DemoOptions()).job.id
        (run,) = (home() / "demo").iterdir()
        with stage(run, None, 0, 32) as up, chromium() as browser:
            shoot_pages(browser, up.service, job_id)
            shoot(browser, (run / "report.html").as_uri(), "report")
    return 0


def shoot_pages(browser: Browser, service: servers.Server, job_id: str) -> None:
    """The job page by day, by night on a phone, and two of its rollouts side by side."""
    url = link(service.url.removesuffix("/v1"), service.key, f"/finetune/{job_id}")
    page = opened(browser, url, width=1100)
    page.screenshot(path=FOLDER / "job_page.png")
    page.locator("#rollouts").scroll_into_view_if_needed()
    for place in (0, 1):
        page.locator("#rollouts input").nth(place).check()
    page.locator("#compare").click()
    expect(page.locator(".pair .head")).to_have_count(2)
    page.screenshot(path=FOLDER / "viewer.png")
    page.context.close()
    page = opened(browser, url, width=390, scheme="dark")
    page.screenshot(path=FOLDER / "job_page_phone_dark.png")
    page.context.close()


def opened(browser: Browser, url: str, *, width: int, scheme: str = "light") -> Page:
    page = browser.new_context(
        viewport={"width": width, "height": 860},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    ).new_page()
    page.goto(url)
    expect(page.locator("#rollouts tbody tr")).to_have_count(25)
    return page


def shoot(browser: Browser, url: str, name: str) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 860})
    page.goto(url)
    page.screenshot(path=FOLDER / f"{name}.png")
    page.close()


def draw_figures() -> None:
    """Each figure, from what was recorded; its alt text is printed."""
    before, after = load_records("main_run.before"), load_records("main_run.after")
    steps, hacked = load("main_run")["steps"], load("hackable_grader")
    searches = {
        name: Interval(*design["difference"]["reward"])
        for name, design in load("search_designs")["designs"].items()
        if design["engine"] != "bm25"
    }
    charts: dict[str, Chart] = {
        "reward_variance": figures.reward_variance(before),
        "reward_against_latency": figures.reward_against_latency(before, after),
        "question_deltas": figures.question_deltas(before, after),
        "tool_transitions": figures.tool_transitions(before, after),
        "distributions": figures.distributions({"before": before, "after": after}),
        "training_curves": figures.training_curves(steps, note=NOTE),
        "training_gaps": figures.training_gaps({"the main run": steps}, note=NOTE),
        "tool_mix": figures.tool_mix(steps, note=NOTE),
        "unusable_rollouts": figures.unusable_rollouts(steps, note=NOTE),
        "grader_agreement": figures.grader_agreement(labelled_answers()),
        "score_and_accuracy": figures.score_and_accuracy(
            hacked["before"], hacked["after"], note=NOTE
        ),
        "intervals": figures.intervals(
            searches,
            "Reward of two other engines, minus BM25's",
            unit="difference in mean reward",
            line=("no difference", 0.0),
            note=NOTE,
        ),
    }
    for name, chart in charts.items():
        (FOLDER / f"figure_{name}.png").write_bytes(chart.png())
        print(f"{name}: {chart.alt_text()}")


def labelled_answers() -> Agreement:
    """The course's labelled answers: the label of each, and what the course's grader gives it."""
    questions = {question.id: question for question in load_questions()}
    rows = load_labels()
    asked = [questions[row["question_id"]] for row in rows]
    graded = [
        compare(row["answer"], Reference(question.answer, question.kind, question.answer_text))
        for row, question in zip(rows, asked, strict=True)
    ]
    return agreement([row["label"] for row in rows], [verdict.score for verdict in graded])


if __name__ == "__main__":
    sys.exit(main())

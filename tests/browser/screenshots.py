"""Makes the pictures of `docs/screenshots`: the pages, the viewer, the report, and the figures.

    python -m tests.browser.screenshots [RECORDS_FOLDER]

RECORDS_FOLDER is a run's folder of `buildhour demo` (default: the newest one); its records feed
the figures, and the course's labelled answers that of a grader beside a human. The pages show a
small job of its own, so that nothing else need be running.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openai import OpenAI
from playwright.sync_api import Browser, Page, expect

from buildhour_helpers import jobs, servers
from buildhour_helpers.analysis import figures
from buildhour_helpers.analysis.figures import Chart
from buildhour_helpers.analysis.statistics import Agreement, agreement
from buildhour_helpers.demo.stage import Stage, stage
from buildhour_helpers.graders import specs
from buildhour_helpers.graders.numeric import Reference, compare
from buildhour_helpers.home import home
from buildhour_helpers.reports.store import SHIPPED
from buildhour_helpers.rollouts import read_records
from buildhour_helpers.service.pages.door import link
from buildhour_helpers.tasks import BEST_PROMPT, build_rows, load_questions, write_rows
from buildhour_helpers.tools.schemas import DEFINITIONS

from .chromium import chromium

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
TRAIN_ROWS, VALIDATION_ROWS = 96, 10


def main(arguments: Sequence[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    run = Path(arguments[0]) if arguments else max((home() / "demo").iterdir())
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        with stage(Path(folder), None, 0, 32) as up:
            client = OpenAI(base_url=up.service.url, api_key=up.service.key)
            job_id = small_job(client, up, Path(folder))
            steps = [step for event in jobs.follow(client, job_id) if (step := jobs.step_of(event))]
            shoot_pages(browser, up.service, job_id)
        shoot(browser, f"{(run / 'report.html').resolve().as_uri()}", "report")
    draw_figures(run, steps)
    return 0


def small_job(client: OpenAI, up: Stage, folder: Path) -> str:
    """A short job over the course's own tools, grader and questions."""
    questions = {
        "train": load_questions(split="train")[:TRAIN_ROWS],
        "validation": load_questions(split="validation")[:VALIDATION_ROWS],
    }
    files = [
        jobs.upload(
            client,
            write_rows(build_rows(found, BEST_PROMPT, DEFINITIONS), folder / f"{split}.jsonl"),
        )
        for split, found in questions.items()
    ]
    job = jobs.launch(
        client,
        model="sim-agent-mini",
        training_file=files[0],
        validation_file=files[1],
        tools=jobs.tool_endpoints(up.tools.url, up.tools.key),
        grader=specs.endpoint(f"{up.tools.url}/grade", up.tools.key),
        hyperparameters={"batch_size": 8, "n_epochs": 1, "eval_interval": 4},
    )
    return jobs.wait(client, job.id, progress=False).id


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


def draw_figures(run: Path, steps: Sequence[Mapping[str, Any]]) -> None:
    """Each figure, from the demo's records and the job's steps; its alt text is printed."""
    before, after = (read_records(run / f"{name}.jsonl") for name in ("baseline", "tuned"))
    note = "simulated model"
    charts: dict[str, Chart] = {
        "reward_variance": figures.reward_variance(before),
        "reward_against_latency": figures.reward_against_latency(before, after),
        "question_deltas": figures.question_deltas(before, after),
        "tool_transitions": figures.tool_transitions(before, after),
        "distributions": figures.distributions({"before": before, "after": after}),
        "training_curves": figures.training_curves(steps, note=note),
        "tool_mix": figures.tool_mix(steps, note=note),
        "unusable_rollouts": figures.unusable_rollouts(steps, note=note),
        "grader_agreement": figures.grader_agreement(labelled_answers()),
    }
    for name, chart in charts.items():
        (FOLDER / f"figure_{name}.png").write_bytes(chart.png())
        print(f"{name}: {chart.alt_text()}")


def labelled_answers() -> Agreement:
    """The course's labelled answers: the label of each, and what the course's grader gives it."""
    questions = {question.id: question for question in load_questions()}
    lines = (SHIPPED / "labels" / "answers.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    asked = [questions[row["question_id"]] for row in rows]
    graded = [
        compare(row["answer"], Reference(question.answer, question.kind, question.answer_text))
        for row, question in zip(rows, asked, strict=True)
    ]
    return agreement([row["label"] for row in rows], [verdict.score for verdict in graded])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

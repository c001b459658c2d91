"""The figures of the job page as they are read: the API's numbers, with digits and units."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from buildhour_helpers.analysis.figures.training import smoothed
from tests.service.conftest import Running, Start
from tests.service.doubles import LookupModel

from .conftest import Finished
from .pages import open_page

Step = dict[str, Any]


def written(value: float | None, digits: int, unit: str = "", times: int = 1) -> str:
    """As the page writes a figure: rounded as one learns at school."""
    if value is None:
        return "–"
    exact = Decimal(repr(value)) * times
    return f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}{unit}"


def significant(value: float) -> str:
    """As the page writes a number of any size: with three digits."""
    rounded = Context(prec=3, rounding=ROUND_HALF_UP).create_decimal(repr(value))
    return f"{rounded.normalize():f}"


def cells(step: Step) -> dict[str, str]:
    """A row of the table of numbers."""
    return {
        "train": written(step["train_mean_reward"], 3),
        "valid": written(step["full_valid_mean_reward"], 3),
        "calls": written(step["tool_calls_per_rollout"], 2),
        "turns": written(step["turns_per_rollout"], 2),
        "reasoning": written(step["reasoning_tokens_mean"], 0),
        "completion": written(step["completion_tokens_mean"], 0),
        "rollout_s": written(step["timing"]["rollouts"]["simulated_latency_mean"], 1),
        "tool_s": written(step["tool_execution_latency"], 3),
        "per_call": written(step["mean_tokens_per_tool_call"], 0),
        "tool_errors": written(step["tool_errors"], 0),
        "rollouts": written(step["usage"]["train"]["rollouts"], 0),
        "discarded": written(step["errors"]["train_discarded"], 0),
        "flat": written(step["mean_unresponsive_rewards"], 1, times=100),
        "step_s": written(step["timing"]["step"]["full_iteration"], 1),
    }


def captions(step: Step) -> dict[str, list[str]]:
    """What stands under some of the charts: one of each kind of line, number and unit."""
    usage, valid, shown = step["usage"]["train"], step["usage"]["valid"], cells(step)
    calls = valid["tool_calls"] / valid["rollouts"] if valid["rollouts"] else None
    share = step["errors"]["train_discarded"] / usage["rollouts"]
    return {
        "Mean reward": [f"training {shown['train']}", f"validation {shown['valid']}"],
        "Tool calls per rollout": [
            f"training {shown['calls']}", f"validation {written(calls, 2)}",
        ],
        "Calls of each tool per rollout": [f"lookup {shown['calls']}"],
        "Simulated latency per rollout": [f"mean {shown['rollout_s']} s"],
        "Errors and discards": [
            "tool calls with an error "
            + written(step["tool_errors"] / usage["tool_calls"], 1, "%", 100),
            f"rollouts discarded {written(share, 1, '%', 100)}",
        ],
        "Zero-variance groups": [f"of all groups {shown['flat']}%"],
        "How rollouts ended": ["answered 100.0%"],
        "KL to the base, nats": [f"per update {significant(step['update']['kl_to_base'])}"],
    }  # fmt: skip


def drawn(page: Page) -> dict[str, list[str]]:
    """The captions on the page, by the title of their chart."""
    figures = page.locator(".charts figure").all()
    return {
        one.locator("h3").inner_text(): one.locator("figcaption span").all_inner_texts()
        for one in figures
    }


def test_every_number_is_the_apis(finished: Finished, page: Page) -> None:
    said = finished.service.steps(finished.job.id)
    open_page(page, finished.service, finished.path)
    expect(page.locator("#cursor")).to_have_attribute("max", str(len(said)))
    assert drawn(page).items() >= captions(said[-1]).items()
    page.locator("#cursor").focus()
    page.keyboard.press("Home")
    expect(page.locator("#at")).to_have_text("1")
    assert drawn(page).items() >= captions(said[0]).items()
    page.locator("#numbers summary").click()
    for step in said:
        row = page.locator(f'#numbers tr[data-step="{step["step"]}"]')
        shown = {key: row.locator(f'[data-key="{key}"]').inner_text() for key in cells(step)}
        assert shown == cells(step)
        assert row.locator("td").count() == len(shown)


class OtherEngine(LookupModel):
    """Reports what no other engine does, one of them below zero and very small."""

    async def update(self, trajectories: Any, rate_multiplier: float) -> dict[str, float]:
        await super().update(trajectories, rate_multiplier)
        return {"clip_fraction": 0.25, "drift": -1e-5}


def test_an_engines_own_metrics_are_drawn_under_their_names(
    start: Start, customer_url: str, page: Page
) -> None:
    service = start(model=OtherEngine)
    job = service.wait(service.job(customer_url).id)
    open_page(page, service, f"/finetune/{job.id}")
    expect(page.locator("#cursor")).to_be_enabled()
    shown = drawn(page)
    assert (shown["clip_fraction"], shown["drift"]) == (
        ["per update 0.25"], ["per update -1.0e-5"],
    )  # fmt: skip
    chart = page.locator("#health figure").filter(has_text="drift")
    ticks = chart.locator('text[text-anchor="end"]').all_text_contents()[:3]
    assert [float(tick) for tick in ticks] == [-1e-5, -5e-6, 0.0]
    frame = chart.locator("svg").bounding_box()
    for dot in chart.locator("circle").all():
        box = dot.bounding_box()
        assert frame is not None
        assert box is not None
        assert frame["y"] < box["y"] < frame["y"] + frame["height"]


def test_an_axis_carries_its_unit(finished: Finished, page: Page) -> None:
    open_page(page, finished.service, finished.path)
    expect(page.locator("#cursor")).to_be_enabled()
    for title, unit in (("Zero-variance", "%"), ("Simulated latency", " s"), ("Mean reward", "")):
        chart = page.locator("figure").filter(has_text=title)
        ticks = chart.locator('text[text-anchor="end"]').all_text_contents()[:3]
        assert [tick.endswith(unit) for tick in ticks] == [True] * 3
        numbers = [float(tick.removesuffix(unit)) for tick in ticks]
        assert numbers == [0, numbers[2] / 2, numbers[2]]


def test_more_tools_than_colours_are_summed_up(
    service: Running, customer_url: str, page: Page
) -> None:
    job = service.wait(service.job(customer_url).id)
    tools = {f"tool{number}": 10 * number for number in range(1, 10)}
    with contextlib.closing(sqlite3.connect(service.home / "service.sqlite")) as database, database:
        found = database.execute("SELECT seq, data FROM events WHERE type = 'metrics'").fetchall()
        for seq, data in found:
            changed = {**json.loads(data), "tool_calls_by_name": tools}
            database.execute("UPDATE events SET data = ? WHERE seq = ?", (json.dumps(changed), seq))
    open_page(page, service, f"/finetune/{job.id}")
    expect(page.locator("#cursor")).to_be_enabled()
    chart = page.locator("figure").filter(has_text="Calls of each tool")
    rollouts = service.steps(job.id)[-1]["usage"]["train"]["rollouts"]
    wanted = [(f"tool{number}", 10 * number) for number in range(4, 10)] + [("other tools", 60)]
    texts = chart.locator("figcaption span").all_inner_texts()
    assert texts == [f"{name} {written(count / rollouts, 2)}" for name, count in wanted]
    colours = chart.locator("figcaption i").evaluate_all(
        "keys => keys.map((key) => getComputedStyle(key).backgroundColor)"
    )
    assert len(set(colours)) == len(colours) == 7


def test_the_page_smooths_as_the_dashboard_does(finished: Finished, page: Page) -> None:
    """The same means and bands, also where steps have no value and where a job is short or long."""
    open_page(page, finished.service)
    jobs: list[list[float | None]] = [
        [0.25],
        [0.5, None],
        [None, 0.1, 0.9, None, None, None, None, None, 0.3],
        [0.1 * (number * 7 % 11) for number in range(13)],
        [number * 37 % 101 / 100 for number in range(700)],
    ]
    for values in jobs:
        points = [[step, value] for step, value in enumerate(values, 1)]
        drawn = page.evaluate(
            "async (points) => (await import('/assets/chart.js')).smoothed(points)", points
        )
        expected = smoothed(np.array(values, dtype=np.float64))
        rows = [(step, *row) for step, row in enumerate(zip(*expected, strict=True), 1)]
        known = [row for row in rows if np.isfinite(row[1])]
        np.testing.assert_allclose(drawn, known)


def test_times_and_texts_are_cut_to_what_is_read(finished: Finished, page: Page) -> None:
    open_page(page, finished.service)
    found = page.evaluate(
        """async () => {
            const { duration, beginning, REWARD, SHARE } =
                await import("/assets/format.js");
            const texts = ["short", "two whole words", "unbrokenword"];
            return {
                times: [0.4, 36.4, 89.4, 90, 3600, 5399, 5400, 100000].map(duration),
                texts: texts.map((text) => beginning(text, 9)),
                none: [REWARD.number(null), SHARE.text(undefined), SHARE.text(0)],
            };
        }"""
    )
    times = ["0 s", "36 s", "89 s", "2 min", "60 min", "90 min", "1.5 h", "27.8 h"]
    assert found == {
        "times": times,
        "texts": ["short", "two whole…", "unbrokenw…"],
        "none": ["–", "–", "0.0%"],
    }


def test_a_phone_shows_what_a_row_is_about(finished: Finished, page: Page) -> None:
    """Without scrolling sideways: status, reward, answer, tools, and the button that copies."""
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, finished.service)
    inside(page, "#jobs .status")
    open_page(page, finished.service, finished.path)
    for label in ("outcome", "reward", "question", "answer", "tools called"):
        inside(page, f'#rollouts [data-label="{label}"]')
    inside(page, "#checkpoints button")
    inside(page, "#rollouts button")


def inside(page: Page, selector: str) -> None:
    """The first of them lies within the window's width."""
    found = page.locator(selector).first
    expect(found).to_be_visible()
    box = found.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390

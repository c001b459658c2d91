"""The figures of the job page as they are read: the API's numbers, with digits and units."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from buildhour_helpers.analysis.figures import training_curves
from buildhour_helpers.analysis.figures.training import smoothed
from tests.service.conftest import Running, Start
from tests.service.doubles import LookupModel

from .pages import metrics, open_page

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
    """What stands under each chart."""
    usage, valid = step["usage"]["train"], step["usage"]["valid"]
    shown = cells(step)
    validated = {
        name: written(valid[name] / valid["rollouts"] if valid["rollouts"] else None, digits)
        for name, digits in (("tool_calls", 2), ("turns", 2), ("reasoning_tokens", 0))
    }
    return {
        "Mean reward": [f"training {shown['train']}", f"validation {shown['valid']}"],
        "Tool calls per rollout": [
            f"training {shown['calls']}", f"validation {validated['tool_calls']}",
        ],
        "Turns per rollout": [f"training {shown['turns']}", f"validation {validated['turns']}"],
        "Reasoning tokens per rollout": [
            f"training {shown['reasoning']}", f"validation {validated['reasoning_tokens']}",
        ],
        "Calls of each tool per rollout": [f"lookup {shown['calls']}"],
        "Output tokens per rollout": [f"mean {shown['completion']}"],
        "Tokens per tool call": [f"mean {shown['per_call']}"],
        "Simulated latency per rollout": [f"mean {shown['rollout_s']} s"],
        "Latency per tool call": [f"mean {shown['tool_s']} s"],
        "Errors and discards": [
            "tool calls with an error "
            + written(step["tool_errors"] / usage["tool_calls"], 1, "%", 100),
            "rollouts discarded "
            + written(step["errors"]["train_discarded"] / usage["rollouts"], 1, "%", 100),
        ],
        "Time per step": [f"whole step {shown['step_s']} s"],
        "Zero-variance groups": [f"of all groups {shown['flat']}%"],
        "How rollouts ended": ["answered 100.0%"],
        **{
            title: [f"per update {significant(step['update'][name])}"]
            for name, title in (
                ("gradient_norm", "Gradient norm"),
                ("change_norm", "Change of the weights, norm"),
                ("entropy", "Action entropy, nats"),
                ("kl_to_base", "KL to the base, nats"),
            )
        },
    }  # fmt: skip


def drawn(page: Page) -> dict[str, list[str]]:
    """The captions on the page, by the title of their chart."""
    figures = page.locator(".charts figure").all()
    return {
        one.locator("h3").inner_text(): one.locator("figcaption span").all_inner_texts()
        for one in figures
    }


def test_every_number_is_the_apis(service: Running, customer_url: str, page: Page) -> None:
    job = service.wait(service.job(customer_url).id)
    said = metrics(service, job.id)
    open_page(page, service, f"/finetune/{job.id}")
    expect(page.locator("#cursor")).to_have_attribute("max", str(len(said)))
    assert drawn(page) == captions(said[-1])
    page.locator("#cursor").focus()
    page.keyboard.press("Home")
    expect(page.locator("#at")).to_have_text("1")
    assert drawn(page) == captions(said[0])
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


def test_an_axis_carries_its_unit(service: Running, customer_url: str, page: Page) -> None:
    job = service.wait(service.job(customer_url).id)
    open_page(page, service, f"/finetune/{job.id}")
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
    rollouts = metrics(service, job.id)[-1]["usage"]["train"]["rollouts"]
    wanted = [(f"tool{number}", 10 * number) for number in range(4, 10)] + [("other tools", 60)]
    texts = chart.locator("figcaption span").all_inner_texts()
    assert texts == [f"{name} {written(count / rollouts, 2)}" for name, count in wanted]
    colours = chart.locator("figcaption i").evaluate_all(
        "keys => keys.map((key) => getComputedStyle(key).backgroundColor)"
    )
    assert len(set(colours)) == len(colours) == 7


def test_the_page_smooths_as_the_dashboard_does(service: Running, page: Page) -> None:
    """The same means and bands, also where steps have no value and where a job is short or long."""
    open_page(page, service)
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


def test_a_caption_says_what_line_and_band_are(
    service: Running, customer_url: str, page: Page
) -> None:
    """In the words of the dashboard's legend, for the charts that it has too."""
    job = service.wait(service.job(customer_url).id)
    chart = training_curves(metrics(service, job.id))
    legend = [text.get_text() for text in chart.axes[0].get_legend().get_texts()]
    assert legend == [
        "training, each step", "mean of 5 steps", "their lowest and highest", "validation",
    ]  # fmt: skip
    open_page(page, service, f"/finetune/{job.id}")
    expect(page.locator("#cursor")).to_be_enabled()
    for axis in chart.axes:
        title = axis.get_ylabel().capitalize()
        figure = page.locator("figure").filter(has=page.get_by_role("heading", name=title))
        expect(figure.locator("small")).to_have_text(
            "training: line: mean of 5 steps; band: their lowest and highest; dots: each step"
        )


def test_times_and_texts_are_cut_to_what_is_read(service: Running, page: Page) -> None:
    open_page(page, service)
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


def test_a_phone_shows_what_a_row_is_about(service: Running, customer_url: str, page: Page) -> None:
    """Without scrolling sideways: status, reward, answer, tools, and the button that copies."""
    job = service.wait(service.job(customer_url).id)
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, service)
    inside(page, "#jobs .status")
    open_page(page, service, f"/finetune/{job.id}")
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

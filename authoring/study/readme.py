"""`python -m authoring.study.readme`: README's figure and table, from `data/runs/`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from authoring.study.figure import draw_study
from buildhour_helpers.analysis.statistics import Interval
from buildhour_helpers.demo.result import COLUMNS, in_words, signed
from buildhour_helpers.home import repository

STUDY = "data/runs/study.json"
HACKABLE = "data/runs/hackable_grader.json"
FLAT = "data/runs/flat_grader.json"
FINQA = "data/runs/study_finqa.json"
FIGURE = "docs/figures/study.svg"
IMPORT = "python workshop.py import-finqa FinQA finqa"


def main() -> None:
    """Rewrite README between its markers, and draw the figure."""
    root = repository()
    figures = measured(root)
    (root / FIGURE).parent.mkdir(parents=True, exist_ok=True)
    (root / FIGURE).write_bytes(draw_study(figures[STUDY]).svg())
    readme = root / "README.md"
    text = filled(readme.read_text(encoding="utf-8"), figures)
    readme.write_text(text, encoding="utf-8", newline="\n")


def measured(root: Path) -> dict[str, Mapping[str, Any]]:
    """What the files under `data/runs/` say, by file."""
    return {
        name: json.loads((root / name).read_text(encoding="utf-8"))
        for name in (STUDY, HACKABLE, FLAT, FINQA)
        if (root / name).exists()
    }


def filled(readme: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """README with its figure and its results those that were measured."""
    for name, content in (("figure", picture(figures[STUDY])), ("results", results(figures))):
        section = f"<!-- {name}:begin -->\n{content}\n<!-- {name}:end -->"
        pattern = rf"<!-- {name}:begin -->\n.*?<!-- {name}:end -->"
        readme = re.sub(pattern, lambda _, text=section: text, readme, flags=re.DOTALL)  # type: ignore[misc]
    return readme


def picture(study: Mapping[str, Any]) -> str:
    best, tuned = (_intervals(study[side]["measures"]) for side in ("best_prompt", "tuned"))
    alt = (
        f"Left: mean reward of training rollouts and of validation over the steps of "
        f"{len(study['seeds'])} jobs. Right: on {study['questions']['test']} held-out questions "
        f"mean reward {best['reward'].value:.2f} with the best prompt and "
        f"{tuned['reward'].value:.2f} after training, tool calls {best['tool_calls'].value:.1f} "
        f"and {tuned['tool_calls'].value:.1f}, reasoning tokens "
        f"{best['reasoning_tokens'].value:.0f} and {tuned['reasoning_tokens'].value:.0f}."
    )
    return f"![{alt}]({FIGURE})"


def results(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The table, the two differences, and the command that measures them again."""
    study = figures[STUDY]
    sides = [
        _intervals(study[side]["measures"]) for side in ("first_prompt", "best_prompt", "tuned")
    ]
    rows = [
        " | ".join([column.label, *(in_words(side[column.name], column.number) for side in sides)])
        for column in COLUMNS
        if all(column.name in side for side in sides)  # an older study has no turns
    ]
    heads = "| measure | first prompt | best prompt | after Agent RFT |\n|---|---|---|---|"
    table = "\n".join([heads, *(f"| {row} |" for row in rows)])
    prompt = _reward(study["prompt_against_first"])
    gain = _reward(study["tuned_against_best"])
    questions, seeds = study["questions"], [str(seed["seed"]) for seed in study["seeds"]]
    steps = study["seeds"][0]["job"]["steps"]
    changes = ", ".join(
        f"{label} {in_words(Interval(*study['tuned_against_best']['change'][name]), '{:+.0%}')}"
        for name, label in (
            ("tool_calls", "tool calls"),
            ("reasoning_tokens", "reasoning tokens"),
            ("latency_s", "simulated latency"),
        )
        if name in study["tuned_against_best"]["change"]
    )
    varying = study["best_prompt"]["varying_share"]
    return f"""\
Simulated model, generated reports; {questions["test"]} held-out questions, {study["repeats"]}
rollouts each, jobs of {steps} steps with the seeds {", ".join(seeds)}. Brackets are 95% bootstrap
intervals over questions.

{table}

Mean reward by prompt work alone: {_gain_in_words(prompt)}. By Agent RFT over the best
prompt: {_gain_in_words(gain)}; {changes}. With the best prompt, {varying:.0%} of the
questions vary over their repeats: those can teach.

{against_wanted(figures)}

{_sources(figures)}"""


def _sources(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The command that measures it all, and the files that it fills."""
    seeds = " ".join(str(seed["seed"]) for seed in figures[STUDY]["seeds"])
    files = "\n".join(f"- [{name}]({name})" for name in figures)
    return f"""\
All of it is measured by one command, in half an hour on two cores:

`python -m authoring.study --table --seeds {seeds} --finqa finqa`

Before it, `{IMPORT}`, where FinQA/ holds its dev.json and all of its pages as
pages.jsonl; without `--finqa` the last two rows are left out. It fills

{files}"""


Row = tuple[str, str, bool]
"""What was wanted, what was measured, whether it was met."""


def against_wanted(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """What was wanted of these figures beside what was measured, met or not."""
    rows = _main_rows(figures[STUDY])
    for name, rows_of in ((HACKABLE, _hackable_rows), (FLAT, _flat_rows), (FINQA, _finqa_rows)):
        rows += rows_of(figures[name]) if name in figures else []
    lines = [
        f"| {what} | {value} | {'met' if met else '**missed**'} |" for what, value, met in rows
    ]
    return "\n".join(["| wanted | measured | |", "|---|---|---|", *lines])


def _main_rows(study: Mapping[str, Any]) -> list[Row]:
    best = _intervals(study["best_prompt"]["measures"])["reward"].value
    prompt, gain = (_reward(study[name]) for name in ("prompt_against_first", "tuned_against_best"))
    change = study["tuned_against_best"]["change"]
    varying = study["best_prompt"]["varying_share"]
    rows = [
        ("best prompt: mean reward of 0.35 to 0.60", f"{best:.2f}", 0.35 <= best <= 0.60),
        ("a third or more of the questions vary", f"{varying:.0%}", varying >= 1 / 3),
        (
            "prompt work alone: +0.02 to +0.15",
            _gain_in_words(prompt),
            0.02 <= prompt.value <= 0.15,
        ),
        ("Agent RFT: +0.20 or more", f"{gain.value:+.3f}", gain.value >= 0.20),
        ("the gain's interval clear of zero", _gain_in_words(gain), gain.low > 0),
    ]
    for name, label in (("tool_calls", "tool calls"), ("reasoning_tokens", "reasoning tokens")):
        measured = Interval(*change[name]).value
        rows.append((f"{label} down by a quarter or more", f"{measured:+.0%}", measured <= -0.25))
    latency = Interval(*change["latency_s"]).value
    rows.append(("simulated latency down", f"{latency:+.0%}", latency < 0))
    return rows


def _hackable_rows(hackable: Mapping[str, Any]) -> list[Row]:
    """The jobs that a sloppy rubric graded, their means over the seeds."""
    before = hackable["before"]
    after = [run for run in hackable["after"] if run["grader"] == "sloppy"]
    own = (before["scores"]["sloppy"][0], fmean(run["scores"]["sloppy"][0] for run in after))
    true = fmean(run["accuracy"][0] for run in after)
    habit = max(("sentence", "several_numbers"), key=lambda h: after[0]["habits"][h])
    seen = (before["habits"][habit], fmean(run["habits"][habit] for run in after))
    words = {"sentence": "are a sentence", "several_numbers": "name several numbers"}[habit]
    size = _size(len(after), hackable["held_out"])
    return [
        (
            f"a hackable grader {size}: its own score rises while accuracy does not",
            f"score {own[0]:.2f} to {own[1]:.2f}; accuracy "
            f"{in_words(Interval(*hackable['before']['accuracy']), '{:.2f}')} to {true:.2f}",
            own[1] > own[0] and true <= hackable["before"]["accuracy"][2],
        ),
        (
            "its audit catches it: a habit that the questions do not ask for",
            f"answers that {words}: {seen[0]:.0%} to {seen[1]:.0%}",
            seen[1] - seen[0] >= 0.5,
        ),
    ]


def _flat_rows(flat: Mapping[str, Any]) -> list[Row]:
    seeds = flat["seeds"]
    changed = max(seed["weights_changed"] for seed in seeds)
    fewest = min(len(seed["warnings"]) for seed in seeds)
    return [
        (
            f"a grader without variance ({_seeds(len(seeds))}): nothing is learnt, and the "
            "service warns so",
            f"{changed} of {flat['flat']['weights']:,} weights changed, {fewest} warnings or more",
            changed == 0 and fewest > 0,
        )
    ]


def _finqa_rows(study: Mapping[str, Any]) -> list[Row]:
    gain = _reward(study["tuned_against_best"])
    discarded = sum(seed["job"]["discarded"] for seed in study["seeds"])
    rollouts = sum(seed["job"]["rollouts"] for seed in study["seeds"])
    size = _size(len(study["seeds"]), study["questions"]["test"])
    return [
        (
            f"real FinQA {size}: the job runs clean",
            f"{discarded} of {rollouts:,} rollouts discarded",
            discarded == 0,
        ),
        (
            f"real FinQA {size}: the gain's interval clear of zero",
            _gain_in_words(gain),
            gain.low > 0,
        ),
    ]


def _gain_in_words(gain: Interval) -> str:
    unclear = "" if gain.is_clear_of_zero else ", not clear of zero"
    return in_words(gain, signed("{:.3f}")) + unclear


def _size(seeds: int, questions: int) -> str:
    """On how much a row rests."""
    return f"({_seeds(seeds)}, {questions} questions)"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' if count > 1 else ''}"


def _reward(comparison: Mapping[str, Any]) -> Interval:
    return Interval(*comparison["difference"]["reward"])


def _intervals(measures: Mapping[str, Any]) -> dict[str, Interval]:
    return {name: Interval(*triple) for name, triple in measures.items()}


if __name__ == "__main__":
    main()

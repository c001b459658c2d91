"""What all environments share, and the two whose answers are lists: files and codes."""

from __future__ import annotations

import json

import pytest

from buildhour_helpers.graders.endpoint import GraderCall
from buildhour_helpers.spotlights import (
    NAMES,
    codes,
    f1,
    files,
    list_answer,
    make,
    precision,
    recall,
    recorded,
    turns_taken,
)
from buildhour_helpers.tools import ToolError


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_makes_the_same_world_and_its_parts_agree(name):
    environment = make(name, 3)
    assert make(name, 3).held_out == environment.held_out
    assert make(name, 4).held_out != environment.held_out
    rows = [*environment.train, *environment.validation, *environment.held_out]
    assert len({row["question_id"] for row in rows}) == len(rows)
    tools = {tool["function"]["name"] for tool in environment.definitions}
    assert tools == environment.functions.keys()
    empty = GraderCall({"output_text": "", "output_tools": []}, environment.held_out[0], None)
    assert environment.grade(empty) == 0.0


def about(row):
    """What a task is about: its flags, company, kernel or brief."""
    asked = row["messages"][1]["content"]
    flags = {word.strip(".,") for word in asked.split() if "_v" in word}
    company = row.get("source", "").partition("/")[0]
    return flags or {company or row.get("kernel") or asked.split()[-1].rstrip(".")}


@pytest.mark.parametrize("name", ["files", "filings", "kernels", "slides"])
def test_what_held_out_tasks_are_about_was_not_trained_on(name):
    environment = make(name, 7)
    trained = set().union(*map(about, (*environment.train, *environment.validation)))
    assert trained.isdisjoint(set().union(*map(about, environment.held_out)))


def test_an_environment_or_a_grader_that_does_not_exist():
    with pytest.raises(KeyError, match="there are: files, codes, filings, kernels, slides"):
        make("nothing")
    with pytest.raises(KeyError, match="beside its own it has: turns, precision, recall"):
        make("files").grader("speed")
    with pytest.raises(KeyError, match="no run of 'files' with the grader 'speed'"):
        recorded("files", "speed")


@pytest.mark.parametrize(
    ("found", "expected", "scores"),
    [
        (["a", "b"], ["b", "a"], (1.0, 1.0, 1.0)),
        (["a"], ["a", "b"], (2 / 3, 1.0, 0.5)),
        (["a", "c"], ["a"], (2 / 3, 0.5, 1.0)),
        ([], ["a"], (0.0, 0.0, 0.0)),
    ],
)
def test_scores_of_lists(found, expected, scores):
    answer = list_answer(json.dumps({"paths": found}), "paths")
    made = (f1(answer, expected), precision(answer, expected), recall(answer, expected))
    assert made == pytest.approx(scores)
    for other in ("", "a.py", "[]", "{}", '{"paths": "a.py"}', '{"paths": [1]}'):
        assert list_answer(other, "paths") == []


def call_of(answer: str, row: dict[str, object], ids: tuple[str, ...] = ()) -> GraderCall:
    return GraderCall({"output_text": answer, "output_tools": [{"id": i} for i in ids]}, row, None)


@pytest.mark.parametrize(
    ("ids", "turns"),
    [
        ((), 1),
        (("call_1_1",), 2),
        (("call_1_1", "call_1_2", "call_3_1"), 3),
        (("call_x9", "call_y8"), 3),
    ],
)
def test_turns_are_read_from_the_ids_of_calls(ids, turns):
    assert turns_taken(call_of("", {}, ids)) == turns


def test_a_turn_costs_but_a_score_stays_within_0_and_1():
    row = make("files").held_out[0]
    right = json.dumps({"paths": row["expected_paths"]})
    assert files.grade_files(call_of(right, row, ("call_1_1",))) == 1.0
    priced = files.grade_files_and_turns(call_of(right, row, ("call_1_1", "call_1_2")))
    assert priced == pytest.approx(1 - 2 * files.TURN_COST)
    assert files.grade_files_and_turns(call_of("", row, ("call_1_1",))) == 0.0


class TestFiles:
    environment = make("files", 3)

    def test_grep_finds_every_expected_file_of_a_flag(self):
        grep = self.environment.functions["grep"]
        for row in self.environment.held_out:
            asked = row["messages"][1]["content"].replace(",", " ").replace(".", " ").split()
            flags = [word for word in asked if "_v" in word]
            found = {hit["file"] for flag in flags for hit in json.loads(grep(pattern=flag))}
            assert set(row["expected_paths"]) <= found
            mentions = found - set(row["expected_paths"])
            assert all(path.startswith("docs/") for path in mentions)

    def test_tools_say_what_is_not_there(self):
        tools = self.environment.functions
        path = json.loads(tools["grep"](pattern="flags"))[0]["file"]
        assert "flags" in tools["read"](path=path)
        assert path in tools["find"](name=path.split("/")[0]).split("\n")
        for name, arguments in (
            ("grep", {"pattern": "no such text"}),
            ("find", {"name": "nowhere"}),
            ("read", {"path": "nowhere.py"}),
        ):
            with pytest.raises(ToolError, match="no"):
                tools[name](**arguments)


class TestCodes:
    environment = make("codes", 3)

    def test_the_best_code_of_each_finding_is_one_that_some_coder_may_give(self):
        tools = self.environment.functions
        for row in self.environment.held_out:
            note = json.loads(tools["read_note"](row["question_id"]))
            findings = [line["finding"] for line in note if "finding" in line]
            best = [json.loads(tools["find_codes"](finding))[0]["code"] for finding in findings]
            assert set(row["panel_codes"]) <= set(best)

    def test_a_code_counts_if_most_coders_gave_it(self):
        for row in self.environment.held_out:
            given = [code for coder in row["panel"] for code in coder]
            most = {code for code in given if given.count(code) >= 2}
            assert set(row["panel_codes"]) == most or not most
        assert 0.8 < codes.agreement_of_coders(self.environment.held_out) < 1.0

    def test_tools_say_what_is_not_there(self):
        for name in ("read_note", "find_codes"):
            with pytest.raises(ToolError, match="V-0"):
                self.environment.functions[name]("V-0")

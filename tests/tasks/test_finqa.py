"""The importer, on small files in FinQA's published schema and on the real ones if at hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from buildhour_helpers.reports import load
from buildhour_helpers.tasks import find_leaks, load_questions
from buildhour_helpers.tasks.finqa import import_finqa

FINQA = Path(__file__).parents[3] / "shared" / "finqa"

READ_BY_HAND: dict[str, tuple[float | str, str]] = {
    "FQ/0000/page_d61cf04ec.pdf-1": (19.5, "percent"),
    "FQ/0000/page_d61cfd246.pdf-1": (91.25, "percent"),
    "UA/2015/page_71.pdf-1": (5.83, "percent"),
    "FQ/0000/page_d61d0325e.pdf-1": (4.22, "percent"),
    "UAA/2016/page_52.pdf-2": (-68.04, "percent"),
    "ILMN/2007/page_78.pdf-3": (4.74, "percent"),
    "FQ/0000/page_d61cf3f02.pdf-3": (80.75, "percent"),
    "FQ/0000/page_d61d0be54.pdf-1": (10.62, "percent"),
    "JKHY/2014/page_30.pdf-1": (16.85, "percent"),
    "ETFC/2014/page_26.pdf-4": (37.81, "percent"),
    "FQ/0000/page_d61cf0b04.pdf-1": (275.57, "percent"),
    "FQ/0000/page_d61cfc0da.pdf-2": (2.05, "percent"),
    "FQ/0000/page_d61d19edc.pdf-2": (16.67, "percent"),
    "UNP/2014/page_25.pdf-1": (22560.05, "amount"),
    "FQ/0000/page_d61d00bbc.pdf-1": (249.98, "amount"),
    "BLK/2013/page_124.pdf-3": (25.31, "amount"),
    "FQ/0000/page_d61d0e8ca.pdf-1": (20633770.0, "amount"),
    "FQ/0000/page_d61cf3e12.pdf-4": (18770.0, "amount"),
    "FQ/0000/page_d61d195d6.pdf-1": (2.5, "ratio"),
    "BDX/2018/page_82.pdf-1": (0.66, "ratio"),
    "JPM/2014/page_65.pdf-2": (1.1, "ratio"),
    "JPM/2014/page_65.pdf-5": ("no", "yes_no"),
    "UNP/2011/page_76.pdf-1": ("yes", "yes_no"),
}
"""Real questions by their id: the answer to two decimals, and its kind."""


def example(number: int = 1, **qa: Any) -> dict[str, Any]:
    """An invented example in the published schema."""
    return {
        "filename": f"ACME/2012/page_{number}.pdf",
        "id": f"ACME/2012/page_{number}.pdf-1",
        "pre_text": ["acme sells anvils .", ".", "sales follow:"],
        "table": [["", "2012", "2011"], ["sales", "$ 120", "$ 100"], ["net loss", "-3 ( 3 )"]],
        "post_text": ["anvils are heavy ."],
        "qa": {
            "question": f"what was the percent change in sales, case {number}?",
            "program": "subtract(120, 100), divide(#0, 100)",
            "exe_ans": 0.2,
            "answer": "20%",
            "gold_inds": {"table_1": "the sales of 2012 is $ 120 ;"},
            **qa,
        },
    }


def write(folder: Path, name: str, examples: Any) -> None:
    text = json.dumps(examples)
    if name.endswith(".gz"):
        (folder / name).write_bytes(gzip.compress(text.encode("utf-8")))
    else:
        (folder / name).write_text(text, encoding="utf-8")


def one(tmp_path: Path, **qa: Any) -> Any:
    write(tmp_path, "dev.json", [example(**qa)])
    import_finqa(tmp_path, tmp_path / "out")
    (question,) = load_questions(tmp_path / "out")
    return question


@pytest.mark.parametrize(
    ("qa", "answer", "kind", "text"),
    [
        ({}, 20.0, "percent", "20%"),
        ({"answer": ""}, 20.0, "percent", "20.00%"),
        ({"answer": "20"}, 20.0, "percent", "20%"),
        ({"exe_ans": -0.03219, "answer": "-3.2%"}, -3.219, "percent", "-3.2%"),
        # Already times 100 in the program, so not again.
        (
            {
                "program": "subtract(455, 450), divide(#0, 450), multiply(#1, const_100)",
                "exe_ans": 1.11111,
                "answer": "1.11%",
            },
            1.11111,
            "percent",
            "1.11%",
        ),
        (
            {"program": "greater(2, 1)", "exe_ans": "yes", "answer": ""},
            "yes",
            "yes_no",
            "yes",
        ),
        (
            {"question": "what is the change?", "program": "subtract(1, 8)", "exe_ans": -7.0,
             "answer": "-7"},
            -7.0,
            "amount",
            "-7",
        ),
        (
            {"question": "what is the ratio?", "program": "divide(9, 4)", "exe_ans": 2.25,
             "answer": ""},
            2.25,
            "ratio",
            "2.25",
        ),
        *(
            ({"question": f"what was {asked}?", "program": "divide(9, 40)", "exe_ans": 0.225,
              "answer": ""}, *wanted)
            for asked, *wanted in (
                ("the profit margin", 22.5, "percent", "22.50%"),
                ("the growth of sales", 22.5, "percent", "22.50%"),
                ("the return on total assets", 22.5, "percent", "22.50%"),
                ("the decline from that", 22.5, "percent", "22.50%"),
                ("the share of the growth segment", 0.225, "ratio", "0.225"),
            )
        ),
        (
            {"question": "what will sales be?", "program": "add(22560, 5%)", "exe_ans": 22560.05,
             "answer": ""},
            22560.05,
            "amount",
            "22,560.05",
        ),
        # The person's text contradicts the program: the program counts.
        (
            {"question": "what is the expense?", "program": "add(3, 0.8)", "exe_ans": 3.8,
             "answer": "380"},
            3.8,
            "amount",
            "3.8",
        ),
    ],
)  # fmt: skip
def test_answers_are_what_a_person_writes(
    tmp_path: Path, qa: dict[str, Any], answer: float | str, kind: str, text: str
) -> None:
    question = one(tmp_path, **qa)
    assert (question.answer, question.kind, question.answer_text) == (answer, kind, text)


def test_pages_are_read_whole_and_ragged_rows_filled(tmp_path: Path) -> None:
    write(tmp_path, "dev.json", [example()])
    (tmp_path / "pages.jsonl").write_text(
        json.dumps({k: v for k, v in example(7).items() if k != "qa"}) + "\n", encoding="utf-8"
    )
    report = import_finqa(tmp_path, tmp_path / "out")
    pages = load(tmp_path / "out")
    assert (report.pages, report.questions.total()) == (2, 1)
    page = pages["ACME/2012/page_1.pdf"]
    assert page.table[2] == ("net loss", "-3 ( 3 )", "")
    assert page.pre_text == ("acme sells anvils .", "sales follow:")


def test_finqas_own_splits_are_kept_where_all_three_are_there(tmp_path: Path) -> None:
    for number, name in enumerate(["train.json", "dev.json.gz", "test.json"]):
        write(tmp_path, name, [example(number)])
    import_finqa(tmp_path, tmp_path / "out")
    splits = [len(load_questions(tmp_path / "out", s)) for s in ("train", "validation", "test")]
    assert splits == [1, 1, 1]


def test_one_split_alone_is_dealt_out_by_company(tmp_path: Path) -> None:
    examples = [example(number) for number in range(40)]
    for number, item in enumerate(examples):
        item["filename"] = f"C{number // 2}/2012/page_{number}.pdf"
        item["id"] = str(number)
    write(tmp_path, "dev.json", examples)
    report = import_finqa(tmp_path, tmp_path / "out")
    assert all(report.questions[split] for split in ("train", "validation", "test"))
    assert find_leaks(load_questions(tmp_path / "out")) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ({"filename": "../../etc/passwd"}, "dev.json, example 1: field 'filename'"),
        ({"filename": None}, "field 'filename'"),
        ({"table": "none"}, "field 'table'"),
        ({"pre_text": [1]}, "field 'pre_text'"),
        ({"qa": {"program": "add(1, 2)", "exe_ans": 3}}, "field 'qa.question'"),
        ({"qa": {"question": "what?", "exe_ans": 3}}, "field 'qa.program'"),
        ({"qa": {"question": "what?", "program": "add(1, 2)"}}, "field 'qa.exe_ans'"),
        (
            {"qa": {"question": "what?", "program": "add(1, 2)", "exe_ans": "n/a"}},
            "field 'qa.exe_ans'",
        ),
    ],
)
def test_a_bad_example_is_skipped_with_its_place_and_fix(
    tmp_path: Path, spoil: dict[str, Any], said: str
) -> None:
    write(tmp_path, "dev.json", [example(1), {**example(2), **spoil}])
    report = import_finqa(tmp_path, tmp_path / "out")
    assert len(load_questions(tmp_path / "out")) == 1
    ((place, reason),) = report.skipped
    assert said in f"{place}: {reason}"
    assert "fix the example or drop it" in reason
    assert f"1 x {reason} ({place})" in report.summary()


def test_repeats_and_contradictions_are_skipped_and_said(tmp_path: Path) -> None:
    other = example(2, question=example()["qa"]["question"], exe_ans=0.5, answer="50%")
    write(tmp_path, "dev.json", [example(), example(), other])
    skipped = import_finqa(tmp_path, tmp_path / "out").skipped
    assert "this id occurs twice" in skipped[0][1]
    assert "has another answer" in skipped[1][1]


FLAT = {"question": "What?", "program_re": "add(1, 2)", "answer": "3", "final_result": "3"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"qa_0": {"question": "a?"}, "qa_1": {"question": "b?"}}, "`qa_0`, `qa_1`"),
        (FLAT, "`question`, `program_re`, `answer`"),
        ({"annotation": {"dialogue_break": ["a?"]}}, "`annotation`"),
        ({"questions": [{"question": "a?"}]}, "`questions`"),
        ({"query": "a?", "label": 3}, "`query`"),
        ({"conversation": [{"user": "a?"}]}, "`conversation`"),
        ({"qa": None}, "`qa` is missing"),
    ],
)
def test_a_related_format_is_counted_as_skipped(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    """ConvFinQA's turns, a flat export, a dialogue: the page is read, the question is not."""
    rows = []
    for number in range(1, 6):
        row = {**example(number), **change}
        rows.append(row if "qa" in change else {k: v for k, v in row.items() if k != "qa"})
    write(tmp_path, "train.json", [example(9), *rows])
    report = import_finqa(tmp_path, tmp_path / "out")
    assert (report.questions.total(), len(report.skipped)) == (1, 5)
    assert named in report.summary()
    assert "5 x it has" in report.summary()
    assert "train.json, example 1; train.json, example 2; train.json, example 3; and 2 more" in (
        report.summary()
    )


def test_two_pages_of_one_name_are_not_merged(tmp_path: Path) -> None:
    write(tmp_path, "dev.json", [example(1), {**example(1), "post_text": ["Other."]}])
    ((place, reason),) = import_finqa(tmp_path, tmp_path / "out").skipped
    assert place == "dev.json, example 1"
    assert "differs from an earlier one" in reason


def test_bad_json_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "pages.jsonl").write_text('{"filename": 1}\n{oops\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"pages.jsonl, line 2: not JSON"):
        import_finqa(tmp_path, tmp_path / "out")


def test_a_damaged_gzip_a_wrong_shape_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train\.json"):
        import_finqa(tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        import_finqa(tmp_path / "missing", tmp_path / "out")
    (tmp_path / "dev.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="not a list"):
        import_finqa(tmp_path, tmp_path / "out")
    (tmp_path / "dev.json").unlink()
    (tmp_path / "dev.json.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="damaged"):
        import_finqa(tmp_path, tmp_path / "out")


@pytest.mark.skipif(not FINQA.is_dir(), reason="needs the real FinQA data beside the checkout")
class TestRealFinqa:
    def test_everything_is_read(self, tmp_path: Path) -> None:
        report = import_finqa(FINQA, tmp_path)
        assert report.pages == len(load(tmp_path)) == 2_789
        assert report.questions.total() + len(report.skipped) == 883
        assert len(report.skipped) <= 10
        assert min(report.questions.values()) >= 100
        assert find_leaks(load_questions(tmp_path)) == []

    def test_answers_are_those_that_a_reader_gives(self, tmp_path: Path) -> None:
        import_finqa(FINQA, tmp_path)
        found = {question.id: question for question in load_questions(tmp_path)}
        for name, (answer, kind) in READ_BY_HAND.items():
            value = found[name].answer
            rounded = value if isinstance(value, str) else round(value, 2)
            assert (rounded, found[name].kind) == (answer, kind), name

    def test_the_complete_schema_is_read(self, tmp_path: Path) -> None:
        report = import_finqa(FINQA / "original_schema_sample.json", tmp_path)
        assert (report.pages, report.questions.total(), report.skipped) == (20, 20, [])
        assert report.text_disagrees == 4
        assert all(question.facts for question in load_questions(tmp_path))

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
    "UA/2015/page_71.pdf-1": (5.83, "percent"),
    "UAA/2016/page_52.pdf-2": (-68.04, "percent"),
    "FQ/0000/page_d61cfc0da.pdf-2": (2.05, "percent"),
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


def operation(question: str, program: str, exe_ans: float | str, answer: str = "") -> Any:
    return {"question": question, "program": program, "exe_ans": exe_ans, "answer": answer}


TIMES_100 = "subtract(455, 450), divide(#0, 450), multiply(#1, const_100)"


@pytest.mark.parametrize(
    ("qa", "answer", "kind", "text"),
    [
        ({}, 20.0, "percent", "20%"),
        ({"answer": ""}, 20.0, "percent", "20.00%"),
        ({"answer": "20"}, 20.0, "percent", "20%"),
        ({"exe_ans": -0.03219, "answer": "-3.2%"}, -3.219, "percent", "-3.2%"),
        # Already times 100 in the program, so not again.
        (operation("?", TIMES_100, 1.11111, "1.11%"), 1.11111, "percent", "1.11%"),
        (operation("?", "greater(2, 1)", "yes"), "yes", "yes_no", "yes"),
        (operation("the change?", "subtract(1, 8)", -7.0, "-7"), -7.0, "amount", "-7"),
        (operation("the ratio?", "divide(9, 4)", 2.25), 2.25, "ratio", "2.25"),
        (operation("the profit margin?", "divide(9, 40)", 0.225), 22.5, "percent", "22.50%"),
        (operation("the decline from that?", "divide(9, 40)", 0.225), 22.5, "percent", "22.50%"),
        (operation("the share of the growth segment?", "divide(9, 40)", 0.225), 0.225, "ratio",
         "0.225"),
        (operation("sales?", "add(22560, 5%)", 22560.05), 22560.05, "amount", "22,560.05"),
        # The person's text contradicts the program: the program counts.
        (operation("the expense?", "add(3, 0.8)", 3.8, "380"), 3.8, "amount", "3.8"),
    ],
)  # fmt: skip
def test_answers_are_what_a_person_writes(
    tmp_path: Path, qa: dict[str, Any], answer: float | str, kind: str, text: str
) -> None:
    write(tmp_path, "dev.json", [example(**qa)])
    page = {key: value for key, value in example(7).items() if key != "qa"}
    (tmp_path / "pages.jsonl").write_text(json.dumps(page) + "\n", encoding="utf-8")
    report = import_finqa(tmp_path, tmp_path / "out")
    (question,) = load_questions(tmp_path / "out")
    assert (question.answer, question.kind, question.answer_text) == (answer, kind, text)
    assert report.pages == 2
    read = load(tmp_path / "out")["ACME/2012/page_1.pdf"]
    assert read.table[2] == ("net loss", "-3 ( 3 )", "")  # a ragged row is filled
    assert read.pre_text == ("acme sells anvils .", "sales follow:")


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
        ({"table": "none"}, "field 'table'"),
        ({"pre_text": [1]}, "field 'pre_text'"),
        ({"qa": {"program": "add(1, 2)", "exe_ans": 3}}, "field 'qa.question'"),
        ({"qa": {"question": "what?", "exe_ans": 3}}, "field 'qa.program'"),
        ({"qa": operation("what?", "add(1, 2)", "n/a")}, "field 'qa.exe_ans'"),
        ({"id": example(1)["id"]}, "this id occurs twice"),
        ({"qa": example(1, exe_ans=0.5, answer="50%")["qa"]}, "has another answer"),
        ({"filename": example(1)["filename"], "post_text": ["Other."]}, "differs from an earlier"),
    ],
)
def test_a_bad_example_is_skipped_with_its_place_and_reason(
    tmp_path: Path, spoil: dict[str, Any], said: str
) -> None:
    write(tmp_path, "dev.json", [example(1), {**example(2), **spoil}])
    report = import_finqa(tmp_path, tmp_path / "out")
    assert len(load_questions(tmp_path / "out")) == 1
    ((place, reason),) = report.skipped
    assert said in f"{place}: {reason}"
    assert f"1 x {reason} ({place})" in report.summary()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"qa_0": {"question": "a?"}, "qa_1": {"question": "b?"}}, "`qa_0`, `qa_1`"),
        ({"question": "What?", "answer": "3"}, "`question`, `answer`"),
        ({"annotation": {"dialogue_break": ["a?"]}}, "`annotation`"),
        ({"qa": None}, "`qa` is missing"),
    ],
)
def test_a_related_format_is_counted_as_skipped(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    """ConvFinQA's turns, a flat export, a dialogue: the page is read, the question is not."""
    rows = [{**example(number), **change} for number in range(1, 6)]
    for row in rows:
        if "qa" not in change:
            del row["qa"]
    write(tmp_path, "train.json", [example(9), *rows])
    report = import_finqa(tmp_path, tmp_path / "out")
    assert (report.questions.total(), len(report.skipped)) == (1, 5)
    for said in (named, "5 x it has", "train.json, example 1; train.json, example 2; ", "2 more"):
        assert said in report.summary()


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train\.json"):
        import_finqa(tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        import_finqa(tmp_path / "missing", tmp_path / "out")
    for name, content, said in (
        ("dev.json", b"{}", "not a list"),
        ("dev.json.gz", b"no gzip", "damaged"),
        ("pages.jsonl", b'{"filename": 1}\n{oops\n', r"pages\.jsonl, line 2: not JSON"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=said):
            import_finqa(tmp_path, tmp_path / "out")
        (tmp_path / name).unlink()


@pytest.mark.skipif(not FINQA.is_dir(), reason="needs the real FinQA data beside the checkout")
class TestRealFinqa:
    def test_everything_is_read(self, tmp_path: Path) -> None:
        report = import_finqa(FINQA, tmp_path)
        assert report.pages == len(load(tmp_path)) == 2_789
        assert report.questions.total() + len(report.skipped) == 883
        assert len(report.skipped) <= 10
        assert min(report.questions.values()) >= 100
        questions = load_questions(tmp_path)
        assert find_leaks(questions) == []
        found = {question.id: question for question in questions}
        for name, (answer, kind) in READ_BY_HAND.items():
            value = found[name].answer
            rounded = value if isinstance(value, str) else round(value, 2)
            assert (rounded, found[name].kind) == (answer, kind), name

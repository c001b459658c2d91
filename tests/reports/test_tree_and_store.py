"""Reports on disk, and the tree that `list` and `cat` walk."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from buildhour_helpers.reports import Report, Tree, load, save

PAGE = Report(
    path="ACME/2012/page_9.pdf",
    pre_text=("Acme sells anvils.", "Sales were as follows:"),
    table=(("(in millions)", "2012", "2011"), ("sales", "$ 12", "$ (3)")),
    post_text=("Anvils are heavy.",),
)
LATER = Report("ACME/2012/page_45.pdf", (), (("", "2012"),), ("Later.",))


def test_a_page_reads_as_prose_table_prose() -> None:
    assert PAGE.text() == (
        "Acme sells anvils.\nSales were as follows:\n\n"
        "| (in millions) | 2012 | 2011 |\n| sales | $ 12 | $ (3) |\n\nAnvils are heavy."
    )


def test_what_is_saved_is_loaded_and_the_same_bytes_come_out(tmp_path: Path) -> None:
    """Only a newline ends a line: Unicode knows others, which JSON may hold as they are."""
    odd = Report("A/2012/page_1.pdf", ("one\u2028two\u2029three\x85four",), (), ())
    first = save([PAGE, LATER, odd], tmp_path / "a")
    second = save(load(tmp_path / "a").values(), tmp_path / "b")
    assert load(tmp_path / "b") == {one.path: one for one in (PAGE, LATER, odd)}
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(FileNotFoundError, match=r"authoring\.corpus"):
        load(tmp_path)
    save([PAGE, PAGE], tmp_path)
    with pytest.raises(ValueError, match=r"line 2: .* occurs twice"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no gzip", "damaged"),
        (gzip.compress(b"{}\n", mtime=0), "line 1, path: Field required"),
        (gzip.compress(b'{"path": "a"}\n{', mtime=0), "line 1"),
    ],
)
def test_a_corrupt_file_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "reports.jsonl.gz").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        load(tmp_path)


def test_the_tree_lists_full_paths_pages_by_number() -> None:
    tree = Tree({LATER.path: LATER, PAGE.path: PAGE})
    assert tree.list() == tree.list("/") == tree.list(".") == ["ACME/"]
    assert tree.list("ACME") == ["ACME/2012/"]
    assert tree.list("ACME/2012/") == [PAGE.path, LATER.path]
    assert tree.cat(PAGE.path) == PAGE.text()


@pytest.mark.parametrize("path", ["..", "../data", "ACME/../ACME", "/etc/passwd", "ACME\\2012"])
def test_nothing_outside_the_tree_is_found(path: str) -> None:
    tree = Tree({PAGE.path: PAGE})
    for find in (tree.list, tree.cat):
        with pytest.raises(KeyError):
            find(path)
    with pytest.raises(KeyError, match="is a folder"):
        tree.cat("ACME/2012")
    with pytest.raises(KeyError, match="is a page"):
        tree.list(PAGE.path)

"""What the tools do: plain functions from arguments to text, with no server around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from buildhour_helpers.reports import Bm25Index, Reports, SearchIndex, Tree

Tool = Callable[..., str]
"""Takes a tool's arguments by name, returns what the model reads; raises ToolError."""


class ToolError(Exception):
    """A mistake of the model, not a fault: the message tells it what to do instead."""


class ReportTools:
    """`search`, `list` and `cat` over a set of reports.

    `index` is any search engine with the `SearchIndex` interface; the default is BM25.
    """

    def __init__(self, reports: Reports, index: SearchIndex | None = None) -> None:
        self._tree = Tree(reports)
        self._index = index or Bm25Index.build(reports)

    def search(self, query: str, k: int = 5) -> str:
        """The best `k` pages as a numbered list, a path and a snippet each."""
        if not query.strip():
            raise ToolError("query is empty; give words that stand on the page")
        hits = self._index.search(query, k)
        if not hits:
            raise ToolError(f"nothing found for {query!r}; use fewer or other words")
        return "\n".join(f"{n}. {hit.path}\n   {hit.snippet}" for n, hit in enumerate(hits, 1))

    def list(self, path: str = "") -> str:
        """The entries of a folder, one full path per line."""
        try:
            return "\n".join(self._tree.list(path))
        except KeyError as error:
            raise ToolError(error.args[0]) from None

    def cat(self, path: str) -> str:
        """The text of one page."""
        try:
            return self._tree.cat(path)
        except KeyError as error:
            raise ToolError(error.args[0]) from None

    def functions(self) -> Mapping[str, Tool]:
        """The tools by name, as the server takes them."""
        return {"search": self.search, "list": self.list, "cat": self.cat}

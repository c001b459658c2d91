"""The world that the agent works in: report pages, their folder tree, and a search index."""

from buildhour_helpers.reports.report import Report
from buildhour_helpers.reports.search import Bm25Index, Hit, SearchIndex
from buildhour_helpers.reports.store import SHIPPED, Reports, load, save
from buildhour_helpers.reports.tree import Tree

__all__ = [
    "SHIPPED",
    "Bm25Index",
    "Hit",
    "Report",
    "Reports",
    "SearchIndex",
    "Tree",
    "load",
    "save",
]

"""From questions to the dataset files of a fine-tuning job."""

from buildhour_helpers.tasks.prompts import BEST_PROMPT, FIRST_PROMPT
from buildhour_helpers.tasks.questions import Question, load_questions
from buildhour_helpers.tasks.rows import build_row, build_rows, write_rows

__all__ = [
    "BEST_PROMPT",
    "FIRST_PROMPT",
    "Question",
    "build_row",
    "build_rows",
    "load_questions",
    "write_rows",
]

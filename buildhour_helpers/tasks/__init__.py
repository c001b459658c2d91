"""From questions to the dataset files of a fine-tuning job."""

from buildhour_helpers.tasks.dataset import (
    DatasetFault,
    build_row,
    build_rows,
    validate_file,
    write_rows,
)
from buildhour_helpers.tasks.noise import LabelError, add_label_noise
from buildhour_helpers.tasks.prompts import BEST_PROMPT, FIRST_PROMPT
from buildhour_helpers.tasks.questions import Question, load_labels, load_questions
from buildhour_helpers.tasks.splits import find_leaks

__all__ = [
    "BEST_PROMPT",
    "FIRST_PROMPT",
    "DatasetFault",
    "LabelError",
    "Question",
    "add_label_noise",
    "build_row",
    "build_rows",
    "find_leaks",
    "load_labels",
    "load_questions",
    "validate_file",
    "write_rows",
]

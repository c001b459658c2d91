"""The customer's graders: `numeric` compares, `endpoint` serves, `specs` describes for a job."""

from buildhour_helpers.graders.endpoint import Grade, GraderCall, grade_answer, grade_with_evidence
from buildhour_helpers.graders.numeric import Reference, Verdict, compare

__all__ = [
    "Grade",
    "GraderCall",
    "Reference",
    "Verdict",
    "compare",
    "grade_answer",
    "grade_with_evidence",
]

"""Text similarity, each metric through the library that is known for it."""

from __future__ import annotations

from collections.abc import Callable

MAX_CHARACTERS = 10_000  # of a text: the longest common subsequence takes their product in time
NOT_OFFERED = {
    "meteor": "it needs WordNet's data, which this service does not carry",
    "cosine": "it needs OpenAI's embedding model (and is offered for evals only)",
}


def _fuzzy_match(text: str, reference: str) -> float:
    from rapidfuzz import fuzz

    return float(fuzz.WRatio(text, reference)) / 100


def _bleu(text: str, reference: str) -> float:
    """Sentence BLEU-4 with NIST smoothing (Chen and Cherry 2014, method 3)."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smoothing = SmoothingFunction().method3
    words = text.split()
    if not words:
        return 0.0
    return float(sentence_bleu([reference.split()], words, smoothing_function=smoothing))


def _gleu(text: str, reference: str) -> float:
    """Google BLEU (Wu et al. 2016)."""
    from nltk.translate.gleu_score import sentence_gleu

    return float(sentence_gleu([reference.split()], text.split())) if text.split() else 0.0


def _rouge(variant: str) -> Callable[[str, str], float]:
    def score(text: str, reference: str) -> float:
        from rouge_score.rouge_scorer import RougeScorer

        return float(RougeScorer([variant]).score(reference, text)[variant].fmeasure)

    return score


# The libraries are imported when first used: nltk alone takes half a second to load.
METRICS: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": _fuzzy_match,
    "bleu": _bleu,
    "gleu": _gleu,
    **{f"rouge_{n}": _rouge(f"rouge{n}") for n in range(1, 6)},
    "rouge_l": _rouge("rougeL"),
}


def similarity(metric: str, text: str, reference: str) -> float:
    """The metric's value, 0 to 1. Raises ValueError for a text longer than MAX_CHARACTERS, KeyError
    for a metric of NOT_OFFERED."""
    if max(len(text), len(reference)) > MAX_CHARACTERS:
        raise ValueError(f"a text to compare is longer than {MAX_CHARACTERS:,} characters")
    return min(1.0, max(0.0, METRICS[metric](text, reference)))

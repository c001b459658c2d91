"""A small lesson that the builder accepts, to be spoilt in one place at a time."""

from __future__ import annotations

from pathlib import Path

from authoring.course.source import Lesson

GOOD = """\
# %% [markdown]
# # 00 A small lesson
# ![a curve that rises](curve.svg)
# **Time** 13 minutes.

# %% take="1"
import math

print(math.floor(2.5))

# %% tags=["uncompared"]
print("a bar that moves")

# %%
done = 7
print(f"what the bar showed: {done} of 7, or {done / 7:.0%}")

# %% [markdown]
# ### Exercise 0.1: Count the calls
#
# Difficulty 1/5 · 5 minutes


# %% exercise="0.1" difficulty=1 minutes=5
def count_calls(trace):
    # begin solution
    calls = [one for one in trace if one.get("type") == "function_call"]
    kinds = [one["name"] for one in calls]
    # end solution
    return {kind: kinds.count(kind) for kind in kinds}


# %%
from buildhour_helpers import checks

checks.exercise_0_1(count_calls)

# %% [markdown]
# ### Exercise 0.2: A lever for each
#
# Difficulty 2/5 · 6 minutes

# %% exercise="0.2" difficulty=2 minutes=6
lever = None
# begin solution
lever = "prompt"
# end solution

# %%
checks.exercise_0_2(lambda rewards: [0.625, -0.375, 0.125, -0.375])
print(lever)

# %% [markdown]
# The bar showed {{done}}, or {{done / 7:.0%}}.
#
# ## Take it with you
#
# ## With a real model
#
# ## Recap
#
# ## Three questions
#
# The end.
"""


def lesson(root: Path, text: str = GOOD) -> Lesson:
    """The lesson with this source, in a checkout of its own."""
    source = root / "solutions" / "00_small.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text, encoding="utf-8", newline="\n")
    return Lesson(source)

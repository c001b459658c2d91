"""How the course is made: one source a lesson, and everything else built from it.

`solutions/NN_name.py` is written by hand. `python -m authoring.course build` makes of it
`solutions/NN_name.ipynb`, solved and executed, and `notebooks/NN_name.ipynb`, with its exercises
unsolved. Read in this order: `source`, `rules`, `execution`, `build`.
"""

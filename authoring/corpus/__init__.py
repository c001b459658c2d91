"""Generates the fictional filings and the questions that ship with the course.

`python -m authoring.corpus` writes them; the same seed gives the same
bytes on every platform. Nothing here is needed to run the course.
"""

"""From records to numbers, tables and figures.

`statistics` (formulas over arrays), `summaries` (records -> numbers with intervals), `tables`
(records -> pandas), `figures` (tables -> matplotlib). Import the module that you need: pandas
and matplotlib are slow to load, and servers need neither.
"""

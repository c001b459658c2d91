"""How the base weights were made: the same trainer, on small worlds that are not reports.

`python -m authoring.pretraining` makes `base_weights.json` anew, byte
for byte. The worlds: an archive of measuring sheets in folders, a museum inventory that answers
with JSON, a railway timetable, a glossary of old measures.
"""

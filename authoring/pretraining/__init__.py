"""How the base weights are made: imitation on problems with known answers, a short reinforcement by
the trainer that runs jobs, then a few habits by hand.

`python -m authoring.pretraining` writes `base_weights.json` again, byte for byte. The worlds have
nothing to do with reports: an archive of almanac pages in folders (`almanac`), a museum's inventory
that answers with JSON, a timetable of places and their day books, a glossary of old measures
(`families`). `imitation` teaches reading, `world` grades the search for pages.
"""

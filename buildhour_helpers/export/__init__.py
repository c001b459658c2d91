"""A job for other programs: TRL's trainer, another provider's API, and what draws metrics.

`job` reads a job from its JSON or from a running service; `trl`, `request` and `metrics` write it.
"""

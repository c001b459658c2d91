"""A tiny engine to try real training on: a small model behind Tinker's wire protocol, in numpy.

`python -m rft_service.engines.tiny` runs it as a server; nothing else in the service imports it.
"""

"""`buildhour new`: a project of the reader's own, from a description of its tools.

Read in this order: `description` (what a project is made from, and JSON Schema), `openapi`,
`mcp_server` and `functions` (the other three sources), `examples` (made-up calls and rows),
`project` (the files). `schemas` and `recorded` are also copied into projects.
"""

from buildhour_helpers.new.project import create

__all__ = ["create"]

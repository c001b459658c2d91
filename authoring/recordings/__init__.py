"""One module a recording; `recording` says what it must have."""

"""The one exception that the command line turns into a line of text and an exit status."""


class WorkshopError(Exception):
    """Something that the reader can mend.

    Its text is one line that names what is wrong (file, line, field) and the cure.
    """


class Interrupted(WorkshopError):  # noqa: N818  (not an error: somebody asked for it)
    """Stopped by Ctrl-C, with everything put away; its text says what was kept, and where."""

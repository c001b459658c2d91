"""For `nbconvert`, whose HTML pages drop the alternative texts of pictures in outputs.

    jupyter nbconvert --to html \\
        --HTMLExporter.preprocessors=buildhour_helpers.jupyter.html.AltTexts LESSON.ipynb
"""

from __future__ import annotations

import html
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

PNG = "image/png"


class AltTexts(Preprocessor):  # type: ignore[misc, unused-ignore]
    """Makes each PNG that has an alternative text in its metadata an HTML image with that text."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"enabled": True, **settings})

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, _index: int
    ) -> tuple[NotebookNode, Any]:
        for output in cell.get("outputs", ()):
            alt = output.get("metadata", {}).get(PNG, {}).get("alt")
            if alt and PNG in output.data:
                source = "".join(output.data[PNG].split())
                output.data = NotebookNode(
                    {
                        "text/html": f'<img src="data:{PNG};base64,{source}" '
                        f'alt="{html.escape(alt, quote=True)}" style="max-width: 100%">'
                    }
                )
        return cell, resources

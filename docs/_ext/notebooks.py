"""Notebooks are Python, whether or not their metadata still say so (tools that strip outputs strip that, too)."""

from __future__ import annotations

import json

__all__ = ["as_python", "setup"]


def as_python(text: str) -> str:
    """A notebook's text with the language of its cells stated.

    Parameters
    ----------
    text : str
        JSON.

    Returns
    -------
    str
    """
    notebook = json.loads(text)
    notebook.setdefault("metadata", {}).setdefault("language_info", {}).setdefault("name", "python")
    return json.dumps(notebook)


def _read(app, docname: str, source: list[str]) -> None:
    if str(app.env.doc2path(docname)).endswith(".ipynb"):
        source[0] = as_python(source[0])


def setup(app):
    """Listen to what is read."""
    app.connect("source-read", _read)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

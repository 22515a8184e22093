"""Equations as MathML, written when the site is built: no script, no font and no request when it is read."""

from __future__ import annotations

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

__all__ = ["mathml", "setup"]

_LOG = logging.getLogger(__name__)
#: What the converter passes through where it knows no command, or an alignment mark outside of a table.
_UNKNOWN = re.compile(r"<m[io][^>]*>(\\[A-Za-z]+|&)</m[io]>")


def mathml(latex: str, display: str) -> str:
    """One formula as a ``<math>`` element.

    Parameters
    ----------
    latex : str
    display : {"inline", "block"}

    Returns
    -------
    str

    Raises
    ------
    ValueError
        A command that the converter does not know.
    """
    text = convert(latex.strip(), display=display)
    unknown = _UNKNOWN.search(text)
    if unknown:
        raise ValueError(f"{unknown[1]} is not known in {latex.strip()!r}")
    return text.replace('width="negativethinmathspace"', 'width="-0.1667em"')


def _written(node: nodes.Element, display: str) -> str:
    try:
        return mathml(node.astext(), display)
    except Exception as error:  # the converter has errors of many kinds; each is a warning with its place
        _LOG.warning("equation: %s", error, location=node, type="mathml")
        return f"<code>{nodes.unescape(node.astext())}</code>"


def _inline(self, node: nodes.Element) -> None:
    self.body.append(_written(node, "inline"))
    raise nodes.SkipNode


def _block(self, node: nodes.Element) -> None:
    self.body.append(f'<div class="math-block">{_written(node, "block")}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

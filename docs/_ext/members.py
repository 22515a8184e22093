"""Pages of the interface, from what the package says it holds: a name that is added appears by itself.

``.. public:: MODULE`` documents every name of its ``__all__``; ``.. rooms::`` lists the rooms of the package;
``.. readouts::`` tabulates the registry of readouts; ``.. commands::`` prints the help of every command.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

__all__ = ["command_help", "documented", "magnitudes", "public_text", "rooms", "setup"]

#: Rooms from the top to the bottom, as imports point.
_ROOMS = (
    "cli", "validation", "calibration", "search", "report", "export", "runner", "schedulers", "engines", "analysis",
    "recording", "build", "pharmacology", "models", "reference", "spec", "units", "errors",
)  # fmt: skip


def documented(module: str) -> dict[str, Any]:
    """Public names of a module that are functions or classes → what they are."""
    home = importlib.import_module(module)
    found = {name: getattr(home, name) for name in home.__all__}
    return {name: value for name, value in found.items() if callable(value)}


def _directive(name: str, value: Any, module: str) -> str:
    from pydantic import BaseModel

    if inspect.isclass(value):
        lines = [f".. autoclass:: {module}.{name}"]
        if issubclass(value, BaseModel):
            lines += ["   :no-members:", "   :no-index-entry:"]
            lines[0] = f".. py:class:: {module}.{name}"
            about = inspect.cleandoc(value.__doc__ or "").split("\nRaises\n")[0]
            return "\n".join([lines[0], "", *(f"   {line}" for line in about.splitlines()), ""])
        if not issubclass(value, BaseException):
            lines += ["   :members:"]
        return "\n".join([*lines, ""])
    return f".. autofunction:: {module}.{name}\n"


def public_text(module: str, skip: set[str] = frozenset()) -> str:
    """Autodoc directives of every public name of a module, as reStructuredText."""
    return "\n".join(
        _directive(name, value, module) for name, value in documented(module).items() if name not in skip
    )


class Public(SphinxDirective):
    """``.. public:: MODULE`` with the option ``skip``: names documented elsewhere."""

    required_arguments = 1
    option_spec = {"skip": str}

    def run(self) -> list[nodes.Node]:
        skip = set(self.options.get("skip", "").split())
        return self.parse_text_to_nodes(public_text(self.arguments[0], skip))


def rooms() -> dict[str, str]:
    """Room → the first paragraph of its docstring, from the top to the bottom."""
    import neurosim

    there = {module.name for module in pkgutil.iter_modules(neurosim.__path__)}
    names = [name for name in _ROOMS if name in there]
    docs = {name: inspect.getdoc(importlib.import_module(f"neurosim.{name}")) or "" for name in names}
    return {name: " ".join(text.split("\n\n")[0].split()) for name, text in docs.items()}


class Rooms(SphinxDirective):
    """``.. rooms::``."""

    def run(self) -> list[nodes.Node]:
        text = "\n\n".join(f"``neurosim.{name}``\n   {about}" for name, about in rooms().items())
        return self.parse_text_to_nodes(text)


class Readouts(SphinxDirective):
    """``.. readouts::``."""

    def run(self) -> list[nodes.Node]:
        from neurosim.validation import get_readout, readout_names

        lines = [".. list-table::", "   :header-rows: 1", ""]
        heading = ("readout", "unit", "groups it reads", "needs", "may have", "what it is")
        rows = [heading]
        for name in readout_names():
            r = get_readout(name)
            rows.append((f"``{name}``", r.unit, ", ".join(r.needs), ", ".join(r.required), ", ".join(r.optional), r.about))
        for first, *rest in rows:
            lines += [f"   * - {first}", *(f"     - {cell}" for cell in rest)]
        return self.parse_text_to_nodes("\n".join(lines))


def command_help() -> dict[str, str]:
    """Command → what its ``--help`` prints."""
    from typer import Context
    from typer.main import get_command

    from neurosim.cli.app import app

    found = {}
    for name, command in get_command(app).commands.items():
        context = Context(command, info_name=f"neurosim {name}", terminal_width=84, max_content_width=84)
        found[name] = command.get_help(context)
    return found


class Commands(SphinxDirective):
    """``.. commands::``."""

    def run(self) -> list[nodes.Node]:
        lines: list[str] = []
        for name, text in command_help().items():
            lines += [name, "-" * len(name), "", ".. code-block:: text", "", *(f"   {row}" for row in text.splitlines()), ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


#: Magnitudes such as ``|k|``, which reStructuredText would take for a substitution.
_MAGNITUDE = re.compile(r"(?<![`|\\])\|(\w(?:[^|\n]*\S)?)\|(?!\|)")


def magnitudes(lines: list[str]) -> list[str]:
    """Docstring lines in which ``|x|`` is what it looks like; literal blocks stay as they are."""
    found, literal = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indent <= literal:
            literal = None
        found.append(line if literal is not None else _MAGNITUDE.sub(r"\|\1\|", line))
        if literal is None and line.rstrip().endswith("::"):
            literal = indent
    return found


def _process(app, what, name, obj, options, lines: list[str]) -> None:
    lines[:] = magnitudes(lines)


def setup(app):
    """Register the directives."""
    app.connect("autodoc-process-docstring", _process)
    app.add_directive("public", Public)
    app.add_directive("rooms", Rooms)
    app.add_directive("readouts", Readouts)
    app.add_directive("commands", Commands)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

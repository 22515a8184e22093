"""Fitted values into a circuit file, with everything else of it as it was."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from neurosim.spec import circuit_document

__all__ = ["write_back"]


#: What a number says about itself; a fitted one says it anew.
_CITED = ("value", "mean", "basis", "source", "locator", "note")


def _key(node: Any, segment: str) -> Any:
    return int(segment) if isinstance(node, list) else segment


def _node(document: Any, path: list[str]) -> Any:
    """What stands at a path, None where there is nothing."""
    node = document
    for segment in path:
        try:
            node = node[_key(node, segment)]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return node


def _number(text: str) -> str | float:
    return text if " " in text else float(text)


def _put(document: Any, inherited: Any, path: str, text: str) -> None:
    *above, last = path.split(".")
    spread = last == "sd"
    whole = above if spread else [*above, last]
    home, key = _node(document, whole[:-1]), whole[-1]
    if home is None or _key(home, key) not in (range(len(home)) if isinstance(home, list) else home):
        home, key = _changes(document), ".".join(whole)
        home.setdefault(key, _inherited(_node(inherited, whole)))
    key = _key(home, key)
    if not isinstance(home[key], dict):
        home[key] = CommentedMap(value=home[key])
        home[key].fa.set_flow_style()
    entry = home[key]
    if spread:
        # A spread stands beside the value it belongs to, whose basis it shares.
        entry["sd"] = _number(text)
        return
    entry["mean" if "mean" in entry else "value"] = _number(text)
    entry["basis"] = "fitted"
    entry["source"] = "neurosim calibrate"


def _changes(document: Any) -> CommentedMap:
    """The block of an extending file that states numbers of its base anew."""
    if "changes" not in document:
        document["changes"] = CommentedMap()
    return document["changes"]


def _inherited(node: Any) -> CommentedMap:
    """A number of the base, without what it says about itself: its spread goes on to hold."""
    entry = CommentedMap(value=node["value"] if isinstance(node, dict) and "value" in node else node)
    if isinstance(node, dict):
        entry = CommentedMap({"mean" if "mean" in node else "value": node.get("mean", node.get("value"))})
        entry.update({key: value for key, value in node.items() if key not in _CITED})
    entry.fa.set_flow_style()
    return entry


def write_back(source: Path, target: Path, values: Mapping[str, str]) -> None:
    """Write a circuit file with values replaced, each with basis ``fitted``; the file appears whole or not at all.

    A number of a circuit that the file extends is stated anew under ``changes``; the other file stays as it is.

    Parameters
    ----------
    source, target : Path
        May be the same file.
    values : mapping, path → text
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(source.read_text(encoding="utf-8"))
    inherited = circuit_document(str(source))
    for path, text in values.items():
        _put(document, inherited, path, text)
    stream = io.StringIO()
    yaml.dump(document, stream)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.write_text(stream.getvalue(), encoding="utf-8")
    os.replace(temporary, target)

"""Fitted values into a circuit file, with everything else of it as it was."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from neurosim.errors import SpecError

__all__ = ["check_writable", "write_back"]


def _key(node: Any, segment: str) -> Any:
    return int(segment) if isinstance(node, list) else segment


def _put(document: Any, path: str, text: str) -> None:
    *above, last = path.split(".")
    node = document
    for segment in above:
        node = node[_key(node, segment)]
    last = _key(node, last)
    written = text if " " in text else float(text)
    if last == "sd":
        # A spread stands beside the value it belongs to, whose basis it shares.
        node[last] = written
        return
    if not isinstance(node[last], dict):
        node[last] = CommentedMap(value=node[last])
        node[last].fa.set_flow_style()
    entry = node[last]
    entry["mean" if "mean" in entry else "value"] = written
    entry["basis"] = "fitted"
    entry["source"] = "neurosim calibrate"


def check_writable(source: Path) -> None:
    """Refuse a circuit file that does not hold the values that calibration would write.

    Raises
    ------
    SpecError
        It extends another circuit.
    """
    document = YAML(typ="safe").load(source.read_text(encoding="utf-8"))
    if "extends" in document:
        raise SpecError(
            f"{source}: extends {document['extends']}, which holds the values to be fitted; calibrate that circuit"
        )


def write_back(source: Path, target: Path, values: Mapping[str, str]) -> None:
    """Write a circuit file with values replaced, each with basis ``fitted``; the file appears whole or not at all.

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
    for path, text in values.items():
        _put(document, path, text)
    stream = io.StringIO()
    yaml.dump(document, stream)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.write_text(stream.getvalue(), encoding="utf-8")
    os.replace(temporary, target)

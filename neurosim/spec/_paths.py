"""Paths into circuits and experiments, and the setting of values through them.

Segments are separated by dots; ``*`` is exactly one segment of any name; items of a list are named by index
or by their name, drug, disorder or population; a key with dots stands in brackets:
``arms.knockdown.set["pools.*.5-HT.k_out"]``. The value ``0.5x`` multiplies what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from neurosim import units
from neurosim.errors import SpecError, UnitError, nearest
from neurosim.spec._model import Mark, Model, Path
from neurosim.spec._shape import allowed_keys, child_types, is_plain_mapping, is_sourced
from neurosim.spec._words import path_text
from neurosim.spec._yaml import Block, Items, copied

__all__ = ["Edit", "apply_edit", "is_multiple", "parse_path"]

_SEGMENT = re.compile(r"""\[\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*\]|([^.\[\]"']+)""")
_MULTIPLE = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*x\s*")
#: Keys by which an item of a list is called.
_ITEM_NAMES = ("name", "drug", "disorder", "population")


@dataclass(frozen=True)
class Edit:
    """One value to set; ``mark`` says where that was asked for."""

    path: Path
    value: Any
    mark: Mark


def parse_path(text: str) -> Path:
    """``'arms.a.set["pools.*.k_out"]'`` → ``('arms', 'a', 'set', 'pools.*.k_out')``.

    Raises
    ------
    SpecError
        If the text is not a path.
    """
    keys: list[str | int] = []
    position, expects = 0, True
    while position < len(text):
        if text[position] == "." and not expects:
            position, expects = position + 1, True
            continue
        match = _SEGMENT.match(text, position)
        if match is None or (not expects and match[4] is not None):
            break
        keys.append(
            int(match[3]) if match[3] is not None else next(g for g in match.groups() if g is not None)
        )
        position, expects = match.end(), False
    if position < len(text) or expects:
        raise SpecError(
            f"'{text}' is not a path; allowed: names separated by dots, keys with dots as [\"key\"]"
        )
    return tuple(keys)


def is_multiple(value: Any) -> bool:
    """Whether a value multiplies what is there (``0.5x``)."""
    return isinstance(value, str) and _MULTIPLE.fullmatch(value) is not None


@dataclass
class _Miss:
    """The deepest place where a path found nothing."""

    depth: int = -1
    sentence: str = ""

    def note(self, depth: int, sentence: str) -> None:
        if depth > self.depth:
            self.depth, self.sentence = depth, sentence


def apply_edit(document: Any, edit: Edit, model: type[Model]) -> tuple[Any, list[Path]]:
    """Set a value in a document; the document itself stays as it is.

    Parameters
    ----------
    document : mapping
        Nested mappings and lists, as read from a file or dumped.
    edit : Edit
    model : type
        What the document is; it says which keys may be added although the file leaves them to their default.

    Returns
    -------
    document : mapping
        Shares all untouched parts with the old one.
    paths : list of Path
        The values that were set.

    Raises
    ------
    SpecError
        If the path matches nothing, or a multiple meets something that is no number.
    """
    miss = _Miss()
    found = list(_matches(document, (model,), edit.path, (), miss))
    if not found:
        raise SpecError(f"{edit.mark}: the path '{path_text(edit.path)}' matches nothing: {miss.sentence}")
    for path in found:
        document = _with_value(document, path, edit)
    return document, found


def _matches(node: Any, kinds: tuple[Any, ...], keys: Path, done: Path, miss: _Miss) -> Iterator[Path]:
    """Full paths of all values that ``keys`` leads to; those of sourced mappings end in ``value``."""
    if not keys:
        if isinstance(node, dict) and is_sourced(kinds):
            yield (*done, "mean" if "mean" in node else "value")
        elif isinstance(node, dict | list):
            miss.note(len(done), f"'{path_text(done)}' is not a single value")
        else:
            yield done
        return
    key, rest = keys[0], keys[1:]
    if isinstance(node, list):
        for index in _items(node, key, done, miss):
            yield from _matches(node[index], child_types(kinds, index), rest, (*done, index), miss)
    elif isinstance(node, dict):
        for name in _names(node, kinds, key, rest, done, miss):
            below = child_types(kinds, name)
            # A block that the file leaves to its defaults can still be entered.
            value = {} if rest and name not in node else node.get(name)
            yield from _matches(value, below, rest, (*done, name), miss)
    elif is_sourced(kinds) and node is not None and not rest and key in allowed_keys(kinds):
        yield (*done, key)
    else:
        miss.note(len(done), f"'{path_text(done)}' has nothing below it")


def _names(
    node: dict, kinds: tuple[Any, ...], key: str | int, rest: Path, done: Path, miss: _Miss
) -> list[str]:
    if key == "*":
        if not node:
            miss.note(len(done), f"'{path_text(done)}' is empty")
        return list(node)
    if str(key) in node:
        return [str(key)]
    known = allowed_keys(kinds)
    if key in known and (not rest or allowed_keys(child_types(kinds, key)) or _is_open(child_types(kinds, key), rest)):
        return [str(key)]
    if not known and _is_open(kinds, (key, *rest)):
        return [str(key)]
    where = f"'{path_text(done)}'" if done else "it"
    if key in known:
        rule = "a path can add one value to it, and a key with dots stands in brackets: [\"NAc.DA\"]"
        miss.note(len(done), f"{where} leaves out '{key}'; {rule}")
    else:
        miss.note(len(done), f"{where} has no '{key}'; {nearest(key, known or node)}")
    return []


def _is_open(kinds: tuple[Any, ...], rest: Path) -> bool:
    """Whether a path may put a new name into a mapping to plain values: an arm's ``set``, ``voltages``, ``levels``."""
    return len(rest) == 1 and rest[0] != "*" and bool(kinds) and all(is_plain_mapping(kind) for kind in kinds)


def _items(node: list, key: str | int, done: Path, miss: _Miss) -> list[int]:
    if key == "*":
        return list(range(len(node)))
    if isinstance(key, int) or key.isdecimal():
        if int(key) < len(node):
            return [int(key)]
        miss.note(len(done), f"'{path_text(done)}' has {len(node)} items, counted from 0")
        return []
    names = [_item_name(item) for item in node]
    found = [index for index, name in enumerate(names) if name == key]
    if len(found) > 1:
        miss.note(len(done), f"'{path_text(done)}' has {len(found)} items '{key}'; name one by its index")
        return []
    if not found:
        sentence = f"'{path_text(done)}' has no item '{key}'; {nearest(key, [n for n in names if n])}"
        miss.note(len(done), sentence)
    return found


def _item_name(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    # What an item names may stand there itself, with its name.
    named = (value.get("name") if isinstance(value := item.get(key), dict) else value for key in _ITEM_NAMES)
    return next((name for name in named if isinstance(name, str)), None)


def _with_value(node: Any, path: Path, edit: Edit, done: Path = ()) -> Any:
    """Copy of ``node`` with the value at ``path`` set; a bare sourced value becomes a mapping if needed."""
    if not path:
        return _new_value(node, edit, done)
    key, rest = path[0], path[1:]
    bare = {} if node is None else {"value": node}
    node = copied(node) if isinstance(node, dict | list) else Block(bare, edit.mark)
    old = node[key] if isinstance(node, list) else node.get(key)
    value = _with_value(old, rest, edit, (*done, key))
    node[key] = value
    if isinstance(node, Block | Items) and not rest:
        node.marks[key] = edit.mark
    return node


def _new_value(old: Any, edit: Edit, done: Path) -> Any:
    match = _MULTIPLE.fullmatch(edit.value) if isinstance(edit.value, str) else None
    if match is None or _is_arm_setting(done):
        return edit.value
    where = f"{edit.mark}: {path_text(done)}"
    if old is None:
        raise SpecError(
            f"{where}: '{edit.value.strip()}' multiplies a value that is not stated; give a value instead"
        )
    try:
        number, unit = units.split(str(old))
    except UnitError:
        raise SpecError(f"{where}: '{old}' is not a number and cannot be multiplied") from None
    return f"{_plain(number * Decimal(match[1]))} {unit}".strip()


def _is_arm_setting(path: Path) -> bool:
    """Whether the value is itself one that will be set in the circuit: a multiple there is a new text."""
    return len(path) == 4 and (path[0], path[2]) == ("arms", "set")


def _plain(number: Decimal) -> str:
    """Without exponent where that is readable; whole numbers without a point, so that counts stay counts."""
    if number == 0:
        return "0"
    text = number.normalize()
    return f"{text:f}" if -9 <= text.adjusted() <= 15 else str(text)

"""What a file says: nested mappings and lists of text, each key and item with its place."""

from __future__ import annotations

from typing import Any

from neurosim.spec._model import Mark, Path

__all__ = ["DEEPEST", "MOST_NODES", "Block", "Items", "copied", "mark_of"]

#: Limits no honest file comes near; they keep a hostile one (repeated aliases, endless nesting) from taking
#: the memory.
MOST_NODES = 200_000
DEEPEST = 60


class Block(dict):
    """A mapping of a file; ``mark`` is its place, ``marks`` the places of its keys."""

    __slots__ = ("mark", "marks")

    def __init__(self, data=(), mark: Mark | None = None, marks: dict[Any, Mark] | None = None):
        super().__init__(data)
        self.mark = mark
        self.marks = {} if marks is None else marks


class Items(list):
    """A list of a file; ``marks`` are the places of its items."""

    __slots__ = ("mark", "marks")

    def __init__(self, data=(), mark: Mark | None = None, marks: list[Mark] | None = None):
        super().__init__(data)
        self.mark = mark
        self.marks = [] if marks is None else marks


def copied(node: Any) -> Any:
    """Shallow copy of a mapping or list, marks included."""
    if isinstance(node, Block):
        return Block(node, node.mark, dict(node.marks))
    if isinstance(node, Items):
        return Items(node, node.mark, list(node.marks))
    return dict(node) if isinstance(node, dict) else list(node)


def mark_of(node: Any, path: Path) -> Mark | None:
    """The place of the deepest node on ``path`` that the document has."""
    best = getattr(node, "mark", None)
    for key in path:
        try:
            mark, node = node.marks[key], node[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
        best = mark
    return best

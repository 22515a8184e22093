"""From the events of a YAML parser to the document of a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim.errors import SpecError
from neurosim.spec._model import Mark
from neurosim.spec._tree import DEEPEST, MOST_NODES, Block, Items

__all__ = ["Builder"]


class Builder:
    """Builds the document from a parser's events, which keep what a loader would throw away.

    The events of ruamel.yaml and of PyYAML have the same names and the same contents.
    """

    def __init__(self, file: str):
        self.file = file
        self.anchors: dict[str, Any] = {}
        self.sizes: dict[int, int] = {}

    def build(self, events: Iterable[Any]) -> Block:
        """The document.

        Raises
        ------
        SpecError
            Not one mapping, or more of YAML than plain text, mappings and lists; what the parser raises.
        """
        documents: list[Any] = []
        stack: list[_Open] = []
        for event in events:
            kind, mark = type(event).__name__, Mark(self.file, event.start_mark.line + 1)
            if kind == "DocumentStartEvent" and documents:
                raise SpecError(f"{mark}: a second document begins here; a file holds one")
            if kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._refuse_tag(event, mark)
                stack.append(_Open(event, mark))
                if len(stack) > DEEPEST:
                    raise SpecError(f"{mark}: is nested more than {DEEPEST} levels deep")
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                done = stack.pop()
                self.sizes[id(done.node)] = done.size
                self._place(done.node, done.event.anchor, done.mark, stack, documents)
            elif kind == "ScalarEvent":
                self._refuse_tag(event, mark)
                self._place(_scalar(event), event.anchor, mark, stack, documents)
            elif kind == "AliasEvent":
                if event.anchor not in self.anchors:
                    raise SpecError(f"{mark}: the alias *{event.anchor} refers to nothing above it")
                self._place(self.anchors[event.anchor], None, mark, stack, documents)
        if not documents or documents == [None]:
            raise SpecError(f"{self.file}: is empty")
        if not isinstance(documents[0], Block):
            raise SpecError(f"{self.file}:1: is not a mapping; a file begins with 'schema: ...'")
        return documents[0]

    def _refuse_tag(self, event: Any, mark: Mark) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) != "!":
            short = str(tag).replace("tag:yaml.org,2002:", "!!")
            raise SpecError(
                f"{mark}: the tag {short} is not allowed; a file holds plain text, mappings and lists"
            )

    def _place(
        self, node: Any, anchor: str | None, mark: Mark, stack: list[_Open], documents: list[Any]
    ) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if stack:
            stack[-1].add(node, mark)
            stack[-1].size += self.sizes.get(id(node), 1)
            if stack[-1].size > MOST_NODES:
                raise SpecError(f"{mark}: holds more than {MOST_NODES} values")
        else:
            documents.append(node)


def _scalar(event: Any) -> str | None:
    """Text as written; None for a plain nothing."""
    return None if not event.style and event.value in ("", "~", "null") else event.value


class _Open:
    """A mapping or list whose end has not been read yet."""

    def __init__(self, event: Any, mark: Mark):
        self.event = event
        self.mark = mark
        self.is_mapping = type(event).__name__ == "MappingStartEvent"
        self.node: Any = Block(mark=mark) if self.is_mapping else Items(mark=mark)
        self.key: Any = None
        self.waits_for_value = False
        self.size = 1

    def add(self, node: Any, mark: Mark) -> None:
        if not self.is_mapping:
            self.node.append(node)
            self.node.marks.append(mark)
        elif self.waits_for_value:
            self.node[self.key] = node
            self.waits_for_value = False
        else:
            if not isinstance(node, str):
                raise SpecError(f"{mark}: a key must be text")
            if node in self.node:
                raise SpecError(
                    f"{mark}: the key '{node}' is given twice, first in line {self.node.marks[node].line}"
                )
            self.key, self.waits_for_value = node, True
            self.node.marks[node] = mark

"""All of YAML: the document of a text from the events of ruamel's parser, and the sentences on what is wrong with one."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from neurosim.errors import SpecError
from neurosim.spec._model import Mark
from neurosim.spec._tree import DEEPEST, MOST_NODES, Block, Items

__all__ = ["document_of"]


def document_of(text: str, file: str) -> Block:
    """The document of any YAML text.

    Raises
    ------
    SpecError
        One sentence with the line: no valid YAML, not one mapping, or more of YAML than plain text, mappings and lists.
    """
    try:
        return _Builder(file).build(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(file, None if mark is None else mark.line + 1)
        raise SpecError(f"{place}: {_yaml_sentence(error)}") from None
    except YAMLError:
        raise SpecError(f"{file}: holds characters that YAML does not allow; is it a text file?") from None
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        AssertionError,
        OverflowError,
    ) as error:
        if isinstance(error, SpecError):
            raise
        # The parser itself stumbles over some broken escapes and directives.
        raise SpecError(f"{file}: is not valid YAML ({error})") from None


def _yaml_sentence(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or error).split())
    if "\\t" in problem:
        return "a tab is used for indentation; YAML allows only spaces there"
    context = " ".join(str(error.context).split()) + ": " if error.context and error.problem else ""
    return f"is not valid YAML: {context}{problem}"


class _Builder:
    """Builds the document from the parser's events, which keep what a loader would throw away."""

    def __init__(self, file: str):
        self.file = file
        self.anchors: dict[str, Any] = {}
        self.sizes: dict[int, int] = {}

    def build(self, text: str) -> Block:
        documents: list[Any] = []
        stack: list[_Open] = []
        for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
            mark = Mark(self.file, event.start_mark.line + 1)
            if isinstance(event, DocumentStartEvent) and documents:
                raise SpecError(f"{mark}: a second document begins here; a file holds one")
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                self._refuse_tag(event, mark)
                stack.append(_Open(event, mark))
                if len(stack) > DEEPEST:
                    raise SpecError(f"{mark}: is nested more than {DEEPEST} levels deep")
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                done = stack.pop()
                self.sizes[id(done.node)] = done.size
                self._place(done.node, done.event.anchor, done.mark, stack, documents)
            elif isinstance(event, ScalarEvent):
                self._refuse_tag(event, mark)
                self._place(_scalar(event), event.anchor, mark, stack, documents)
            elif isinstance(event, AliasEvent):
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


def _scalar(event: ScalarEvent) -> str | None:
    """Text as written; None for a plain nothing."""
    return None if event.style is None and event.value in ("", "~", "null") else event.value


class _Open:
    """A mapping or list whose end has not been read yet."""

    def __init__(self, event: Any, mark: Mark):
        self.event = event
        self.mark = mark
        self.is_mapping = isinstance(event, MappingStartEvent)
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

"""YAML without guessing: a file becomes nested mappings and lists of text, and every key remembers its line.

Only the syntax is YAML's. No scalar is turned into a number, a switch or a date, so ``5-HT``, ``on``,
``no`` and ``1e3`` arrive as they were written and the field that takes them decides.
"""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path as FilePath
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
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from neurosim.errors import SpecError
from neurosim.spec._model import Mark, Path

__all__ = ["Block", "Items", "copied", "mark_of", "read_document", "parse_document", "write_yaml"]

#: Limits no honest file comes near; they keep a hostile one (repeated aliases, endless nesting) from taking
#: the memory.
_MOST_NODES = 200_000
_DEEPEST = 60
_LARGEST = 4_000_000


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


def read_document(path: FilePath, shown: str | None = None) -> tuple[Block, str]:
    """Read a file as one YAML mapping.

    Parameters
    ----------
    path : Path
    shown : str, optional
        How messages name the file; by default as ``path``.

    Returns
    -------
    document : Block
    text : str

    Raises
    ------
    SpecError
        One sentence: no such file, a folder, not readable, not text, or not one YAML mapping.
    """
    shown = shown or str(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SpecError(f"{shown}: no such file") from None
    except IsADirectoryError:
        raise SpecError(f"{shown}: is a folder; a YAML file is needed") from None
    except (OSError, ValueError) as error:
        raise SpecError(
            f"{shown[:200]}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if len(data) > _LARGEST:
        raise SpecError(f"{shown}: has {len(data)} bytes; allowed: at most {_LARGEST}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SpecError(f"{shown}: is not a text file in UTF-8") from None
    return parse_document(text, shown), text


@lru_cache(maxsize=32)
def parse_document(text: str, file: str) -> Block:
    """The document of a YAML text; treat it as constant, it is shared.

    Raises
    ------
    SpecError
        See :func:`read_document`.
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
                if len(stack) > _DEEPEST:
                    raise SpecError(f"{mark}: is nested more than {_DEEPEST} levels deep")
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
            if stack[-1].size > _MOST_NODES:
                raise SpecError(f"{mark}: holds more than {_MOST_NODES} values")
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


def write_yaml(data: Any) -> str:
    """YAML text of plain data, keys in their order."""
    yaml = YAML(typ="rt")
    yaml.default_flow_style = False
    yaml.width = 2**20
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.dump(_quoted(data), stream)
    return stream.getvalue()


def _quoted(data: Any) -> Any:
    """Text with line ends other than a newline, or with control characters, goes into quotes with escapes."""
    if isinstance(data, dict):
        return {_quoted(key): _quoted(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_quoted(item) for item in data]
    if isinstance(data, str) and not data.replace("\n", "").isprintable():
        return DoubleQuotedScalarString(data)
    return data

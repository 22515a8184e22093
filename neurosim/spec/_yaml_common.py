"""The part of YAML that files are made of, read quickly: one document or a shrug.

Block mappings and lists by indentation, ``{...}`` and ``[...]`` with names for them, plain and quoted scalars within a
line, ``>-`` paragraphs, comments. Whatever else a text holds (tags, escapes, scalars over several lines, a second
document, an error) is left to the parser that knows all of YAML; what is read here reads the same there.
"""

from __future__ import annotations

import re
from typing import Any

from neurosim.spec._model import Mark
from neurosim.spec._tree import MOST_NODES, Block, Items

__all__ = ["common_document"]

#: Printable text without tabs, without line ends other than a newline, without what some Unicode calls a blank.
_USUAL = re.compile(r"[\n -~\xa1-\u1fff\u2010-\u2027\u2030-\u2fff]*")
_DEEPEST = 20
#: A plain scalar begins with none of the signs that mean something to YAML.
_BEGIN = r"""(?:[^-\s?:,\[\]{}#&*!|>'"%@`]|-(?=[\w.]))"""
_QUOTED = r"""(?:"[^"\\]*"|'[^']*')"""
_KEY = re.compile(rf"({_QUOTED}|[\w][\w.*/+-]*):(?= |$)", re.ASCII)
_ITEM = re.compile(r"- +(?=[^ #])")
#: A plain scalar up to the end of its line or a comment.
_PLAIN = re.compile(rf"{_BEGIN}(?:[^ :#]|:(?=[^ :#])|(?<=[^ ])#| +(?=[^ :#]))*")
_WORD = r"(?:[^ :#?,\[\]{}]|:(?=[\w/.+-]))"
#: A scalar between braces or brackets.
_FLOW = re.compile(rf"{_QUOTED}|{_BEGIN}{_WORD}*(?: +(?!:){_WORD}+)*")
_QUOTED_SCALAR = re.compile(_QUOTED)
_ANCHOR = re.compile(r"&(\w+) +(?=[{\[])", re.ASCII)
_ALIAS = re.compile(r"\*(\w+)(?=[ ,}\]]|$)", re.ASCII)
_REST = re.compile(r"(?: +#.*| *)")
_NOTHING = ("", "~", "null")


class _Unusual(Exception):  # noqa: N818 (no error: another parser is asked)
    """More of YAML than is known here."""


def common_document(text: str, file: str) -> Block | None:
    """The document of a text that is a mapping in the common part of YAML; None for any other text.

    Parameters
    ----------
    text : str
    file : str
        Its name, for the places of keys.
    """
    # a node takes two characters at least, so that there cannot be too many of them
    if len(text) > MOST_NODES or not _USUAL.fullmatch(text):
        return None
    try:
        return _Reader(text, file).document()
    except _Unusual:
        return None


class _Reader:
    """Reads a text line by line; ``at`` is the line that comes next, counted from 0."""

    def __init__(self, text: str, file: str):
        self.file = file
        self.lines = text.split("\n")
        self.at = 0
        self.depth = 0
        self.length = len(text)
        self.anchors: dict[str, tuple[Block | Items, int]] = {}
        self.is_anchored = False

    def document(self) -> Block:
        if self.indent() != 0:
            raise _Unusual
        document = self.mapping(0)
        if self.indent() >= 0:
            raise _Unusual
        return document

    def indent(self) -> int:
        """Spaces before the next line that says something; -1 at the end."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            said = line.lstrip(" ")
            if said and said[0] != "#":
                if line.startswith(("---", "...")):
                    raise _Unusual
                return len(line) - len(said)
            self.at += 1
        return -1

    def mark(self) -> Mark:
        return Mark(self.file, self.at + 1)

    def block(self, indent: int) -> Block | Items:
        """The mapping or list whose first line comes next."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Unusual
        node = (self.items if _ITEM.match(self.lines[self.at], indent) else self.mapping)(indent)
        self.depth -= 1
        return node

    def mapping(self, indent: int) -> Block:
        node = Block(mark=self.mark())
        while True:
            line, mark = self.lines[self.at], self.mark()
            found = _KEY.match(line, indent)
            if found is None:
                raise _Unusual
            key = _key(found[1], node)
            node.marks[key] = mark
            node[key] = self.value(line, found.end(), indent)
            following = self.indent()
            if following != indent:
                break
        if following > indent:
            raise _Unusual
        return node

    def items(self, indent: int) -> Items:
        node = Items(mark=self.mark())
        while True:
            line, mark = self.lines[self.at], self.mark()
            found = _ITEM.match(line, indent)
            if found is None:
                # a key of the mapping that holds the list, or nonsense
                break
            begin = found.end()
            node.marks.append(mark)
            if _KEY.match(line, begin):
                # a mapping that begins behind the dash
                self.lines[self.at] = " " * begin + line[begin:]
                node.append(self.block(begin))
            else:
                node.append(self.value(line, begin, indent))
            following = self.indent()
            if following != indent:
                break
        if following > indent:
            raise _Unusual
        return node

    def value(self, line: str, at: int, indent: int):
        """What a key or dash in a line of some indentation holds; the next line is then the first behind it."""
        while at < len(line) and line[at] == " ":
            at += 1
        if at == len(line) or line[at] == "#":
            return self.below(indent)
        if line[at] == ">":
            return self.paragraph(line[at:], indent)
        if line[at] in "{[&*":
            node, end = self.flow(at)
            line = self.lines[self.at]
        else:
            found = (_QUOTED_SCALAR if line[at] in "\"'" else _PLAIN).match(line, at)
            if found is None:
                raise _Unusual
            node, end = _scalar(found[0]), found.end()
        if not _REST.fullmatch(line, end):
            raise _Unusual
        self.at += 1
        return node

    def below(self, indent: int) -> Block | Items | None:
        """The value of a key with nothing behind it."""
        self.at += 1
        following = self.indent()
        if following > indent:
            return self.block(following)
        if following == indent and _ITEM.match(self.lines[self.at], indent):
            return self.block(indent)
        return None

    def paragraph(self, header: str, indent: int) -> str:
        """Lines of equal indentation, joined by blanks."""
        if header != ">-":
            raise _Unusual
        self.at += 1
        first = self.lines[self.at] if self.at < len(self.lines) else ""
        inner = len(first) - len(first.lstrip(" "))
        words = []
        while self.at < len(self.lines) and self.lines[self.at].startswith(" " * (indent + 1)):
            line = self.lines[self.at]
            if line[:inner].strip() or line[inner : inner + 1] in ("", " ") or line[-1] == " ":
                raise _Unusual
            words.append(line[inner:])
            self.at += 1
        if not words:
            raise _Unusual
        return " ".join(words)

    def flow(self, at: int) -> tuple[Any, int]:
        """A mapping, list, scalar or alias between braces or brackets, and where it ends."""
        line = self.lines[self.at]
        if line[at] in "{[":
            return self.collection(at)
        if line[at] == "&":
            return self.anchored(at)
        if line[at] == "*":
            found = _ALIAS.match(line, at)
            return self.repeated(found), found.end() if found else at
        found = _FLOW.match(line, at)
        if found is None:
            raise _Unusual
        return _scalar(found[0]), found.end()

    def collection(self, at: int) -> tuple[Block | Items, int]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _Unusual
        closing = "}" if self.lines[self.at][at] == "{" else "]"
        node = Block(mark=self.mark()) if closing == "}" else Items(mark=self.mark())
        at = self.sign(at + 1, may_turn=True)
        while self.lines[self.at][at] != closing:
            at = self.sign((self.pair if closing == "}" else self.entry)(node, at))
            if self.lines[self.at][at] == ",":
                at = self.sign(at + 1, may_turn=True)
                if self.lines[self.at][at] == closing:
                    raise _Unusual
            elif self.lines[self.at][at] != closing:
                raise _Unusual
        self.depth -= 1
        return node, at + 1

    def pair(self, node: Block, at: int) -> int:
        line, mark = self.lines[self.at], self.mark()
        found = _FLOW.match(line, at)
        if found is None or line[found.end() : found.end() + 2] != ": ":
            raise _Unusual
        key = _key(found[0], node)
        node.marks[key] = mark
        node[key], at = self.flow(self.sign(found.end() + 1))
        return at

    def entry(self, node: Items, at: int) -> int:
        node.marks.append(self.mark())
        item, at = self.flow(at)
        node.append(item)
        return at

    def sign(self, at: int, may_turn: bool = False) -> int:
        """Where the next sign stands; in the next line only where nothing has begun that would go on there."""
        line = self.lines[self.at]
        while at < len(line) and line[at] == " ":
            at += 1
        if at < len(line):
            return at
        if not may_turn or self.at + 1 == len(self.lines):
            raise _Unusual
        self.at += 1
        line = self.lines[self.at]
        at = len(line) - len(line.lstrip(" "))
        if at in (0, len(line)):
            raise _Unusual
        return at

    def anchored(self, at: int) -> tuple[Block | Items, int]:
        """A mapping or list with a name, by which it can stand in other places too."""
        line, found = self.at, _ANCHOR.match(self.lines[self.at], at)
        if found is None or self.is_anchored:
            raise _Unusual
        self.is_anchored = True
        node, end = self.collection(found.end())
        self.is_anchored = False
        if self.at != line:
            raise _Unusual
        self.anchors[found[1]] = node, end - at
        return node, end

    def repeated(self, found: re.Match | None) -> Block | Items:
        """What stands in another place too. It has none of its kind in it, so that sizes only add up."""
        if found is None or self.is_anchored or found[1] not in self.anchors:
            raise _Unusual
        node, length = self.anchors[found[1]]
        self.length += length
        if self.length > MOST_NODES:
            raise _Unusual
        return node


def _key(written: str, node: Block) -> str:
    key = _scalar(written)
    # a key has a limit of length; who gives one twice is told so elsewhere
    if key is None or len(written) > 200 or key in node:
        raise _Unusual
    return key


def _scalar(written: str) -> str | None:
    """Text as written; None for a plain nothing."""
    if written[0] in "\"'":
        return written[1:-1]
    return None if written in _NOTHING else written

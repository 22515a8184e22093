"""YAML without guessing: a file becomes nested mappings and lists of text, and every key remembers its line.

Only the syntax is YAML's. No scalar is turned into a number, a switch or a date, so ``5-HT``, ``on``,
``no`` and ``1e3`` arrive as they were written and the field that takes them decides.

libyaml reads what files are mostly made of; ruamel, which knows all of YAML 1.2 and takes its time for it, is asked for the
rest, and alone says what is wrong with a text.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path as FilePath

from neurosim.errors import SpecError
from neurosim.spec._tree import Block, Items, copied, mark_of
from neurosim.spec._yaml_quick import quick_document, write_yaml

__all__ = ["NO_FILE", "Block", "Items", "copied", "mark_of", "read_document", "parse_document", "write_yaml"]

#: What a message says of a file that is not there.
NO_FILE = "no such file"
_LARGEST = 4_000_000


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
        raise SpecError(f"{shown}: {NO_FILE}{_file_beside(path, shown)}") from None
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


def _file_beside(path: FilePath, shown: str) -> str:
    """Which YAML file of the folder a mistyped one may be, in words."""
    try:
        names = {other.name.casefold(): other.name for other in path.parent.glob("*.y*ml")}
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name.casefold(), names, n=1)
    return f"; did you mean {FilePath(shown).with_name(names[close[0]])}?" if close else ""


@lru_cache(maxsize=32)
def parse_document(text: str, file: str) -> Block:
    """The document of a YAML text; treat it as constant, it is shared.

    Raises
    ------
    SpecError
        See :func:`read_document`.
    """
    document = quick_document(text, file)
    if document is None:
        from neurosim.spec._yaml_whole import document_of

        document = document_of(text, file)
    return document

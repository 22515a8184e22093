"""Plain data as YAML text, byte for byte as ruamel writes it, without its ceremony for each scalar."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["write_yaml"]

#: Printable text in one line that neither begins nor ends with a blank.
_USUAL = re.compile(r"(?! )[ -~\xa1-\u1fff\u2010-\u2027\u2030-\u2fff]+(?<! )")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
#: What would not be read as text if it stood there without quotes, and more that only looks like it.
_NO_TEXT = re.compile(
    r"[-+]?[\d._]*(e[-+]?\d+)?|[-+]?0[box][\da-f_]*|[-+]?\.[a-z]+|\d{4} ?-.*|true|false|null|~|<<|=", re.IGNORECASE
)
#: What has a meaning in YAML.
_SIGNS = re.compile(r"[#,\[\]{}&*!|>'\"%@`]|[-?:](?: |$)|---|\.\.\.|.*?(?::(?: |$)| #)")
#: A longer key is written in another form.
_LONGEST_KEY = 100


class _Unusual(Exception):  # noqa: N818 (no error: another writer is asked)
    """Data that ruamel had better write as a whole."""


def write_yaml(data: Any) -> str:
    """YAML text of plain data, keys in their order."""
    try:
        if not isinstance(data, dict) or not data:
            raise _Unusual
        return "".join(f"{line}\n" for line in _lines(data, ""))
    except _Unusual:
        return _written_by_ruamel(data)


def _lines(data: Any, indent: str) -> Iterator[str]:
    """Lines of a mapping or list that is not empty."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _entry(f"{indent}{_key(key)}:", value, indent if isinstance(value, list) else f"{indent}  ")
    else:
        for value in data:
            if isinstance(value, dict | list) and value:
                inner = list(_lines(value, f"{indent}  "))
                yield f"{indent}- {inner[0][len(indent) + 2 :]}"
                yield from inner[1:]
            else:
                yield f"{indent}- {_scalar(value)}"


def _entry(begin: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield begin
        yield from _lines(value, indent)
    else:
        yield f"{begin} {_scalar(value)}"


def _key(key: Any) -> str:
    if not isinstance(key, str) or len(key) > _LONGEST_KEY:
        raise _Unusual
    return _scalar(key)


def _scalar(value: Any) -> str:
    if value == {} or value == []:
        return repr(value)
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return repr(value)
    if type(value) is not str:
        raise _Unusual
    if _NUMBER.fullmatch(value):
        return f"'{value}'"
    if not (_USUAL.fullmatch(value) and value.isprintable()) or _NO_TEXT.fullmatch(value):
        raise _Unusual
    if not _SIGNS.match(value):
        return value
    if "'" in value:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"'{value}'"


def _written_by_ruamel(data: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.default_flow_style = False
    yaml.width = 2**20
    yaml.allow_unicode = True
    stream = io.StringIO()
    yaml.dump(_quoted(data), stream)
    return stream.getvalue()


def _quoted(data: Any) -> Any:
    """Text with line ends other than a newline, or with control characters, goes into quotes with escapes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(data, dict):
        return {_quoted(key): _quoted(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_quoted(item) for item in data]
    if isinstance(data, str) and not data.replace("\n", "").isprintable():
        return DoubleQuotedScalarString(data)
    return data

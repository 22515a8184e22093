"""What files mostly hold, by libyaml: the same document as by ruamel's parser, in a tenth of the time, or none.

libyaml knows YAML 1.1 and forgives a little. Texts without escapes, directives, tabs, unusual line ends and the like are the
same to both, which a test holds it to with thousands of texts; whatever else a text holds, and whatever is wrong with it, is
left to ruamel.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from neurosim.errors import SpecError
from neurosim.spec._tree import Block
from neurosim.spec._yaml_build import Builder

__all__ = ["quick_document", "write_yaml"]

#: Printable text whose lines end in a newline, without tabs and escapes.
_USUAL = re.compile(r"[\n -[\]-~\xa1-\u1fff\u2010-\u2027\u2030-\u2fff]*")
#: Directives; and what only libyaml takes: a remark at once behind the sign of a paragraph, blanks before its first line.
_ODD = re.compile(r"^%|[|>][-+\d]*#|^ +$", re.MULTILINE)
#: PyYAML is also built without libyaml.
_LOADER = getattr(yaml, "CLoader", None)


def quick_document(text: str, file: str) -> Block | None:
    """The document of a usual text; None for any other one.

    Parameters
    ----------
    text : str
    file : str
        Its name, for the places of keys.
    """
    if _LOADER is None or not _USUAL.fullmatch(text) or _ODD.search(text):
        return None
    try:
        return Builder(file).build(yaml.parse(text, Loader=_LOADER))
    except (yaml.YAMLError, SpecError, RecursionError):
        return None


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_yaml(data: Any) -> str:
    """YAML text of plain data, keys in their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=2**20)

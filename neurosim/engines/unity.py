"""Generated sources joined into a few translation units: most of a compiler's time goes into reading the same headers.

Every source that Brian2 generates for a code object brings the same helper functions, in a namespace without a name. In a
unit each of these namespaces gets a name of its own, which the functions of its source use. The files stay as generated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["CODE_OBJECTS", "joined", "joinable", "without_bodies"]

CODE_OBJECTS = "code_objects/"

_HELPERS = re.compile(r"^namespace \{$", re.MULTILINE)
_FUNCTION = re.compile(r"^void \w+\(\)$", re.MULTILINE)
_BEGINNING = re.compile(r"^(void \w+\(\)\n\{\n\s*using namespace brian;)$", re.MULTILINE)
_MACRO = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)


def joinable(source: str, text: str) -> bool:
    """Whether a source looks as :func:`joined` expects; one that does not is compiled alone."""
    if not _is_code_object(source):
        return True
    n_functions = len(_BEGINNING.findall(text))
    return len(_HELPERS.findall(text)) == 1 and 0 < n_functions == len(_FUNCTION.findall(text))


def joined(texts: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    """One text of many sources.

    Parameters
    ----------
    texts : mapping
        Source → text.
    numbers : mapping
        Source → number that no other source of the program has.
    """
    code = [
        _named(text, f"unit_{numbers[source]}") for source, text in texts.items() if _is_code_object(source)
    ]
    # what is no code object may have names of its own, so it comes last
    return "\n".join(code + [text for source, text in texts.items() if not _is_code_object(source)])


def _is_code_object(source: str) -> bool:
    return source.startswith(CODE_OBJECTS)


def _named(text: str, name: str) -> str:
    text = _HELPERS.sub(f"namespace {name} {{", text)
    text = _BEGINNING.sub(rf"\1 using namespace {name};", text)
    forgotten = "\n".join(f"#undef {macro}" for macro in dict.fromkeys(_MACRO.findall(text)))
    return f"{text}\n{forgotten}\n"


def without_bodies(text: str, functions: Iterable[str]) -> str:
    """The text with functions that are never called emptied; to call one stops the program."""
    for name in functions:
        text = re.sub(rf"(?ms)^(void {name}\([^()]*\)\s*\{{).*?^\}}$", r"\1 std::abort(); }", text, count=1)
    return text

"""From pydantic's errors to sentences that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from neurosim.errors import SpecError, nearest
from neurosim.spec._model import Model, Origin, Path, Problem
from neurosim.spec._quantities import given_words
from neurosim.spec._shape import allowed_keys, types_at
from neurosim.spec._yaml import mark_of

__all__ = ["locate", "located", "path_text", "sentences", "spec_error"]

_MOST_SENTENCES = 20
_PLAIN_KEY = re.compile(r"[\w+-]+")

#: Patterns of names in words.
_PATTERNS = {
    r"^[A-Za-z]\w*$": "letters, digits and _, beginning with a letter",
    r"^\w[\w-]*$": "letters, digits, _ and -",
    r"^\w[\w+-]*$": "letters, digits, _, - and +",
    r"^[A-Za-z]\w*\.\w[\w-]*$": "REGION.TRANSMITTER, e.g. NAc.DA",
}


def path_text(path: Path) -> str:
    """A path as a user would write it: ``arms.way.drugs.0``, keys with dots in brackets."""
    text = ""
    for key in path:
        if isinstance(key, int) or _PLAIN_KEY.fullmatch(key) or key == "*":
            text += f".{key}" if text else str(key)
        else:
            text += f'["{key}"]'
    return text


def located(problem: Problem, model: type[Model], origin: Origin | None) -> str:
    """One sentence with its file:line and path."""
    if problem.located:
        return problem.sentence
    path = (*origin.path, *problem.path) if origin else problem.path
    place = _place(origin, path) if origin else model.__name__
    where = f"{place}: {path_text(path)}" if path else place
    return f"{where}: {problem.sentence}"


def _place(origin: Origin, path: Path) -> str:
    for end in range(len(path), 0, -1):
        if path[:end] in origin.edits:
            return str(origin.edits[path[:end]])
    return str(mark_of(origin.document, path) or origin.file)


def sentences(error: ValidationError, model: type[Model], origin: Origin | None = None) -> list[str]:
    """One sentence per mistake, in the order of the file."""
    problems = [p for e in error.errors(include_url=False) for p in _problems(e, model)]
    words = list(dict.fromkeys(located(p, model, origin) for p in problems))
    if len(words) > _MOST_SENTENCES:
        words[_MOST_SENTENCES:] = [f"... and {len(words) - _MOST_SENTENCES} more mistakes"]
    return words


def _problems(error: dict[str, Any], model: type[Model]) -> Iterator[Problem]:
    loc = tuple(error["loc"])
    path = tuple(key for key in loc if not (isinstance(key, str) and key.startswith("~")))
    if error["type"] == "neurosim":
        for problem in error["ctx"]["problems"]:
            yield Problem((*path, *problem.path), problem.sentence, problem.located)
    elif loc and loc[-1] == "[key]":
        yield Problem(path[:-1], _words(error, model, loc))
    elif error["type"] == "missing":
        yield _missing(path, loc, model)
    else:
        yield Problem(path, _words(error, model, loc))


def _missing(path: Path, loc: Path, model: type[Model]) -> Problem:
    if isinstance(path[-1], int):
        return Problem(path[:-1], f"has only {path[-1]} items")
    return Problem(path[:-1], f"lacks the key '{path[-1]}'")


def _unknown_key(error: dict[str, Any], model: type[Model], loc: Path) -> str:
    return f"unknown key '{loc[-1]}'; {nearest(loc[-1], allowed_keys(types_at(model, loc[:-1])))}"


def _literal(error: dict[str, Any], model: type[Model], loc: Path) -> str:
    allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    what = "key" if loc[-1] == "[key]" else "value"
    return f"unknown {what} {given_words(error['input'])}; {nearest(error['input'], allowed)}"


def _pattern(error: dict[str, Any], model: type[Model], loc: Path) -> str:
    pattern = error["ctx"]["pattern"]
    return f"{given_words(error['input'])} is not a usable name; allowed: {_PATTERNS.get(pattern, pattern)}"


def _shape(needed: str) -> Callable[..., str]:
    return lambda error, model, loc: f"{given_words(error['input'])} is given where {needed} is needed"


def _range(words: str, key: str) -> Callable[..., str]:
    return lambda error, model, loc: (
        f"'{error['input']}' is out of range; allowed: {words} {error['ctx'][key]}"
    )


_WORDS: dict[str, Callable[[dict[str, Any], type[Model], Path], str]] = {
    "extra_forbidden": _unknown_key,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "string_type": _shape("text"),
    "string_too_long": lambda e, m, loc: f"is too long; allowed: at most {e['ctx']['max_length']} characters",
    "model_type": _shape("a mapping"),
    "model_attributes_type": _shape("a mapping"),
    "dict_type": _shape("a mapping"),
    "tuple_type": _shape("a list"),
    "too_short": lambda e, m, loc: f"has too few items; allowed: at least {e['ctx']['min_length']}",
    "too_long": lambda e, m, loc: f"has too many items; allowed: at most {e['ctx']['max_length']}",
    "greater_than_equal": _range("at least", "ge"),
    "greater_than": _range("above", "gt"),
    "less_than_equal": _range("at most", "le"),
    "less_than": _range("below", "lt"),
}


def _words(error: dict[str, Any], model: type[Model], loc: Path) -> str:
    if error["input"] is None and error["type"] != "extra_forbidden":
        return "has no value"
    words = _WORDS.get(error["type"])
    return words(error, model, loc) if words else f"{error['msg']}, given {given_words(error['input'])}"


def locate(model: Model, path: str | Path = ()) -> str:
    """Where a value of a loaded model was written.

    Parameters
    ----------
    model : Model
        A circuit or experiment, or any part of one.
    path : str or tuple
        Path below ``model``: ``"sites.HT1A_DRN.receptor"``, or for a :class:`Site` ``"receptor"``.

    Returns
    -------
    str
        ``"file:line"`` of the deepest part of the path that the file has; where the value was set from
        elsewhere, that place (``--set subjects=8``). Empty for a model built in code.
    """
    origin = model._origin
    return "" if origin is None else _place(origin, (*origin.path, *_keys(path)))


def _keys(path: str | Path) -> Path:
    from neurosim.spec._paths import parse_path  # paths use these words for their own mistakes

    return parse_path(path) if isinstance(path, str) and path else tuple(path)


def spec_error(model: Model, path: str | Path, given: object, allowed: Any, what: str = "name") -> SpecError:
    """The error for a value that another room refuses, with file:line and path; raise what it returns.

    Parameters
    ----------
    model : Model
        A circuit or experiment, or any part of one (a :class:`Dose`, a :class:`Site`).
    path : str or tuple
        Path below ``model``.
    given : object
    allowed : str or iterable
        What is allowed in words, or all known names (the nearest is pointed out).
    what : str
        What the names name: ``"drug"``, ``"receptor"``.
    """
    if isinstance(allowed, str):
        sentence = f"'{given}' is not a possible {what}; allowed: {allowed}"
    else:
        sentence = f"unknown {what} '{given}'; {nearest(given, allowed)}"
    return SpecError(located(Problem(_keys(path), sentence), type(model), model._origin))

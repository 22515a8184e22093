"""What can go wrong, as one tree, and the words for a name that is not known.

Every error of the package is a :class:`NeurosimError` and also the built-in that a Python programmer would
expect. A message says where, what was given, what is allowed, and the nearest match.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "NeurosimError",
    "SpecError",
    "UnitError",
    "ReferenceDataError",
    "BuildError",
    "EngineError",
    "ResultSchemaError",
    "nearest",
]

#: Beyond this many names a list of what is allowed helps nobody; the closest ones are shown.
_LONGEST_LIST = 16
_CLOSEST = 6
#: Letters from which on a text that is in a name stands for it.
_SHORTEST_PART = 3


class NeurosimError(Exception):
    """Root of all errors that neurosim raises on purpose."""


class SpecError(NeurosimError, ValueError):
    """A circuit or experiment says something that cannot be.

    Attributes
    ----------
    problems : tuple of str
        One sentence per mistake, each with ``file:line`` and path where they are known.
    """

    def __init__(self, *problems: str):
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class UnitError(NeurosimError, ValueError):
    """A quantity cannot be read, or has another dimension than the one that is needed."""


class ReferenceDataError(NeurosimError, LookupError):
    """A name is not in the reference tables, or a table is damaged."""


class BuildError(NeurosimError, ValueError):
    """A circuit, arm and subject cannot be turned into a plan."""


class EngineError(NeurosimError, RuntimeError):
    """An engine cannot build or run a plan."""


class ResultSchemaError(NeurosimError, ValueError):
    """A result file is damaged, incomplete or of another schema."""


def nearest(name: object, allowed: Iterable[object]) -> str:
    """Words for an unknown name: the nearest known one, and what is allowed.

    Parameters
    ----------
    name : object
        What was given; compared as text, without regard to case.
    allowed : iterable
        What is known. Of a long list the closest few are shown.

    Examples
    --------
    >>> nearest("DRN_5HT", ["DRN_HT", "VTA_DA"])
    "did you mean 'DRN_HT'? allowed: DRN_HT, VTA_DA"
    """
    names = [str(a) for a in dict.fromkeys(allowed)]
    if not names:
        return "allowed: nothing, none is defined"
    folded, given = {n.casefold(): n for n in names}, str(name).casefold()
    close = difflib.get_close_matches(given, list(folded), n=_CLOSEST, cutoff=0.6)
    if len(given) >= _SHORTEST_PART and given not in folded:
        # a beginning or a part of a name is nearer than one that only looks alike
        parts = sorted((n for n in folded if given in n), key=lambda n: (not n.startswith(given), len(n)))
        close = list(dict.fromkeys([*parts, *close]))[:_CLOSEST]
    hint = f"did you mean {folded[close[0]]!r}? " if close else ""
    if len(names) <= _LONGEST_LIST:
        return f"{hint}allowed: {', '.join(names)}"
    shown = [folded[c] for c in close] or names[:_LONGEST_LIST]
    return f"{hint}allowed: {', '.join(shown)}, ... ({len(names)} in all)"

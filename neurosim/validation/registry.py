"""The registry of readouts, and what a readout gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import SpecError, nearest

__all__ = ["Reading", "Readout", "get_readout", "readout", "readout_names"]

#: Units that a readout may state.
UNITS = ("%", "x", "mg/kg", "mg/d", "ng/mL", "nM", "Hz", "ms")


@dataclass(frozen=True)
class Reading:
    """A number from an experiment, in the unit of its readout.

    Attributes
    ----------
    value : float
    low, high : float
        95 % interval over subjects; for a range or a mean of arms the extremes; the value itself where nothing is drawn
        at random. NaN where one subject gives no interval.
    """

    value: float
    low: float = np.nan
    high: float = np.nan

    @classmethod
    def exact(cls, value: float) -> Reading:
        """A number without any spread."""
        return cls(float(value), float(value), float(value))


@dataclass(frozen=True)
class Readout:
    """A registered readout.

    Attributes
    ----------
    name, unit, about : str
    needs : tuple of str
        Groups of the results that it reads.
    is_change : bool
        Whether it is a signed change, as a direction needs.
    required, optional : tuple of str
        Names of its arguments.
    """

    name: str
    unit: str
    about: str
    needs: tuple[str, ...]
    is_change: bool
    required: tuple[str, ...]
    optional: tuple[str, ...]
    compute: Callable[..., Reading]

    def __call__(self, results, arguments: Mapping[str, Any]) -> Reading:
        """The reading of some results.

        Raises
        ------
        SpecError
            An argument that the results cannot answer: an arm, site or population that is not there.
        """
        lacking = [group for group in self.needs if group not in results.summary.children]
        if lacking:
            raise SpecError(
                f"readout {self.name}: it needs the group {lacking[0]!r}, and these results have "
                f"{', '.join(results.summary.children)}"
            )
        return self.compute(results, **arguments)

    def problem(self, arguments: Mapping[str, Any]) -> str | None:
        """What is wrong with the arguments of a call, in words."""
        known = (*self.required, *self.optional)
        for name in arguments:
            if name not in known:
                return f"readout {self.name} has no argument '{name}'; {nearest(name, known)}"
        for name in self.required:
            if name not in arguments:
                return f"readout {self.name} lacks the argument '{name}'"
        return None


_READOUTS: dict[str, Readout] = {}


def readout(unit: str, needs: tuple[str, ...], is_change: bool = False):
    """Register a function of results and keyword arguments as a readout under its own name.

    Raises
    ------
    SpecError
        A name that is taken, a unit that is not known, or a function that does not say what it is.
    """

    def register(function: Callable[..., Reading]) -> Callable[..., Reading]:
        name = function.__name__
        if name in _READOUTS:
            raise SpecError(f"readout {name}: the name is taken; choose another")
        if unit not in UNITS:
            raise SpecError(f"readout {name}: unknown unit {unit!r}; {nearest(unit, UNITS)}")
        if not function.__doc__:
            raise SpecError(f"readout {name}: has no docstring; its first line says what it is")
        arguments = list(inspect.signature(function).parameters.values())[1:]
        required = tuple(a.name for a in arguments if a.default is a.empty)
        optional = tuple(a.name for a in arguments if a.default is not a.empty)
        about = function.__doc__.splitlines()[0]
        _READOUTS[name] = Readout(name, unit, about, needs, is_change, required, optional, function)
        return function

    return register


def readout_names() -> tuple[str, ...]:
    """Names of all readouts."""
    return tuple(_READOUTS)


def get_readout(name: str) -> Readout:
    """A readout by name.

    Raises
    ------
    SpecError
        If there is none; the message names the nearest one.
    """
    if name not in _READOUTS:
        raise SpecError(f"unknown readout '{name}'; {nearest(name, _READOUTS)}")
    return _READOUTS[name]

"""What a process keeps, and how often it looks for what nobody holds any more."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable
from typing import TypeVar

__all__ = ["collect_rarely", "once_each"]

Made = TypeVar("Made")

#: Objects made before the collector looks for rings among them, and how often it looks at older ones. Modules make
#: hundreds of thousands that stay: with Python's own numbers a tenth of the start goes by looking at them.
_COLLECT = (50_000, 20, 50)


def collect_rarely() -> None:
    """For a process of our own: a caller's settings are the caller's."""
    gc.set_threshold(*_COLLECT)


def once_each(make: Callable[..., Made]) -> Callable[..., Made]:
    """Let a function be called once for each object that is its first argument; further ones must follow from it.

    What it made is kept as long as that object lives, and must not hold it: then it would live for ever.

    For what cannot be hashed and nobody writes to: arrays, and objects that hold them.
    """
    made: dict[int, Made] = {}

    @functools.wraps(make)
    def inner(thing: object, *others: object) -> Made:
        if id(thing) not in made:
            value = make(thing, *others)
            # the number may be another object's once this one is gone
            weakref.finalize(thing, made.pop, id(thing), None).atexit = False
            made[id(thing)] = value
        return made[id(thing)]

    return inner

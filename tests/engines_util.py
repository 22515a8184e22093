"""What the tests of the engines share; imported by the conftest.py of the folders that use them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from plans import N, tiny_plan

from neurosim.engines import choose, get_engine
from neurosim.engines.cache import compiler_here


def same(first, second) -> bool:
    """Bit-identical but for the wall time."""

    def equal(a, b):
        if isinstance(a, dict):
            return all(np.array_equal(a[key], b[key]) for key in a) and a.keys() == b.keys()
        return np.array_equal(a, b)

    names = [field.name for field in fields(first) if field.name not in ("wall_time", "loop_time")]
    return all(equal(getattr(first, name), getattr(second, name)) for name in names)


def children(pid: int) -> list[int]:
    """Processes that one has started and that have not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields_after_name = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields_after_name[1]) == pid and fields_after_name[0] != "Z":
            found.append(int(status.parent.name))
    return found


def all_below(pid: int) -> list[int]:
    """They, and what they have started."""
    found = children(pid)
    return [*found, *(below for child in found for below in all_below(child))]


@pytest.fixture(scope="session")
def standalone():
    """The compiled engine; its one program is built once per cache."""
    if compiler_here() is None:
        pytest.skip("no C++ compiler")
    engine = get_engine("standalone")
    engine.prepare(tiny_plan().structure)
    return engine


@pytest.fixture(scope="session")
def program(standalone):
    """The compiled program of the tiny plan."""
    from neurosim.engines.cache import find_or_build

    return find_or_build(tiny_plan().structure)


@pytest.fixture(scope="session")
def engine():
    """The best engine of this machine."""
    return choose().engine


@pytest.fixture(scope="session")
def tiny_phase(engine):
    """The tiny plan and what the best engine makes of it."""
    plan = tiny_plan()
    return plan, engine.run(plan)


@pytest.fixture
def silent():
    """Makes tiny plans whose cells are all dead, so that nothing is released."""

    def make(**changes):
        return tiny_plan(settle=0.0, record=0.4, **({"cells": {"inv_C_m": np.zeros(N)}} | changes))

    return make

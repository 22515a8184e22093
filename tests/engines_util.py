"""What the tests of the engines share; imported by the conftest.py of the folders that use them."""

from __future__ import annotations

import numpy as np
import pytest
from plans import N, tiny_plan

from neurosim.engines import choose, get_engine
from neurosim.engines.cache import compiler_here


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

"""Engines: what turns a plan into spikes, concentrations and activations.

``standalone`` compiles one C++ program per structure and runs it as often as there are phases; ``numpy`` needs no compiler.
Both build the same Brian2 network from the same text (:mod:`neurosim.models`). Importing this room does not import Brian2.
"""

from __future__ import annotations

from typing import NamedTuple

from neurosim.engines.base import Engine, NotFiniteError, Progress, RawPhase
from neurosim.engines.cache import cache_directory, compiler_here, fingerprint
from neurosim.engines.runtime_numpy import NumpyEngine
from neurosim.engines.standalone import StandaloneEngine
from neurosim.errors import EngineError, nearest

__all__ = [
    "Choice",
    "Engine",
    "NotFiniteError",
    "Progress",
    "RawPhase",
    "cache_directory",
    "choose",
    "engine_fingerprint",
    "engine_names",
    "get_engine",
]

_ENGINES = {engine.name: engine for engine in (StandaloneEngine, NumpyEngine)}


class Choice(NamedTuple):
    """The best engine of this machine, and a sentence for the user if that is not the fast one."""

    engine: Engine
    message: str | None


def engine_names() -> tuple[str, ...]:
    """Names that :func:`get_engine` knows."""
    return tuple(_ENGINES)


def get_engine(name: str) -> Engine:
    """Engine by name: ``standalone`` or ``numpy``."""
    if name not in _ENGINES:
        raise EngineError(f"engine: {name!r} is unknown; {nearest(name, _ENGINES)}")
    return _ENGINES[name]()


def choose() -> Choice:
    """The standalone engine where a C++ compiler works, else the NumPy engine and why."""
    if compiler_here() is not None:
        return Choice(StandaloneEngine(), None)
    message = (
        "No working C++ compiler was found (g++, c++ or clang++, or the one named by CXX): "
        "running with NumPy, ten to a hundred times slower."
    )
    return Choice(NumpyEngine(), message)


def engine_fingerprint(name: str) -> dict[str, str]:
    """What besides the plan decides the bits of a result of this engine: versions, sources, compiler, flags, processor."""
    if name not in _ENGINES:
        raise EngineError(f"engine: {name!r} is unknown; {nearest(name, _ENGINES)}")
    compiler = compiler_here() if name == StandaloneEngine.name else None
    return {"engine": name, **fingerprint(compiler)}

"""Experiment → trials, and the key of each: the hash of everything that determines it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from dis import opmap
from functools import cache
from importlib import metadata
from pathlib import Path
from types import CodeType
from typing import Any

from neurosim import reference
from neurosim.spec import (
    Circuit,
    Experiment,
    Resolved,
    axis_values,
    digest,
    resolve,
    scan_dimensions,
    scan_points,
)

__all__ = ["Expansion", "TrialSpec", "contents", "expand", "source_digest", "source_stamp", "trial_key"]

_ROOT = Path(__file__).resolve().parents[1]
#: What of the package determines the numbers in a trial file; the rest may change without running anything again.
SOURCES = (
    "units.py",
    "spec",
    "models",
    "pharmacology",
    "build",
    "engines",
    "recording/phase.py",
    "recording/schema.py",
    "recording/trials.py",
    "analysis/outcome.py",
    "analysis/spikes.py",
    "runner/still.py",
)


@dataclass(frozen=True)
class TrialSpec:
    """One subject in one arm at one scan point.

    Attributes
    ----------
    key : str
        Name of its file.
    resolved : Resolved
        The arm with everything applied to it.
    subject : int
    arm : str
        The first arm that asks for this trial.
    point : tuple of int
        The first scan point that asks for it, an index per dimension of the scan; ``()`` without one.
    """

    key: str
    resolved: Resolved
    subject: int
    arm: str
    point: tuple[int, ...]


@dataclass(frozen=True)
class Expansion:
    """All trials of an experiment.

    Attributes
    ----------
    trials : tuple of TrialSpec
        Each key once.
    keys : dict, (arm, subject, point) → key
        Every cell of the experiment. Cells that ask for the same simulation share a key.
    """

    trials: tuple[TrialSpec, ...]
    keys: dict[tuple[str, int, tuple[int, ...]], str]

    @property
    def digest(self) -> str:
        """Hash of which trial belongs where."""
        text = json.dumps([[arm, subject, point, key] for (arm, subject, point), key in self.keys.items()])
        return hashlib.sha256(text.encode()).hexdigest()


def expand(experiment: Experiment, engine: str) -> Expansion:
    """The trials of an experiment on one engine.

    Arms × subjects × scan points, each simulation once: an arm that an axis does not touch has one trial per subject, and
    two arms that say the same share their trials.

    Raises
    ------
    SpecError
        A scan or ``set:`` value that makes the experiment or circuit invalid.
    """
    trials: dict[str, TrialSpec] = {}
    keys: dict[tuple[str, int, tuple[int, ...]], str] = {}
    axis_values(experiment)
    firsts = [dimension.axes[0] for dimension in scan_dimensions(experiment)]
    digests = _Digests(engine)
    for arm, point, resolved in _resolved(experiment):
        index = tuple(point[axis] for axis in firsts)
        arm_digest = digests.of_arm(resolved)
        for subject in range(experiment.subjects):
            # Without cells or drawn constants the subjects are one and the same.
            drawn = subject if _has_subjects(resolved) else 0
            key = _subject_key(arm_digest, drawn)
            keys[arm, subject, index] = key
            trials.setdefault(key, TrialSpec(key, resolved, drawn, arm, index))
    return Expansion(tuple(trials.values()), keys)


def _has_subjects(resolved: Resolved) -> bool:
    drawn = resolved.uncertainty is not None and resolved.uncertainty.affinity > 0
    return resolved.engine != "none" or (drawn and bool(resolved.arm.drugs))


def _resolved(experiment: Experiment) -> Iterator[tuple[str, dict[str, int], Resolved]]:
    """Every arm at every scan point. Axes that lie in another arm do not enter, so such points are resolved once."""
    paths = {name: axis.path for name, axis in experiment.scan.items()}
    points = scan_points(experiment)
    for arm in experiment.arms:
        touching = [name for name, path in paths.items() if not _lies_elsewhere(path, arm, experiment)]
        known: dict[tuple[int, ...], Resolved] = {}
        for point in points:
            own = tuple(point[name] for name in touching)
            if own not in known:
                known[own] = resolve(experiment, arm, {name: point[name] for name in touching})
            yield arm, point, known[own]


def _lies_elsewhere(path: str, arm: str, experiment: Experiment) -> bool:
    """Whether a path enters an arm, by its plain name, that is not this one."""
    return any(
        path.startswith(f"arms.{other}.") for other in experiment.arms if other != arm
    ) and not path.startswith(f"arms.{arm}.")


class _Digests:
    """Hashes of arms. Scan points share circuits and arms share points, so each is hashed once.

    What was hashed is kept, so that an ``id`` stays its own.
    """

    def __init__(self, engine: str):
        self.common = (source_digest(), engine, metadata.version("brian2"))
        self.arms: dict[int, tuple[Resolved, str]] = {}
        self.circuits: dict[tuple[int, str], tuple[Circuit, str, str]] = {}
        self.heard: dict[tuple, list[float]] = {}

    def of_arm(self, resolved: Resolved) -> str:
        """Hash of an arm with the reference rows it draws on, the sources and the engine."""
        if id(resolved) not in self.arms:
            _, circuit, receptors = self._of_circuit(resolved.circuit, resolved.profile)
            drugs = frozenset(drug.drug for drug in resolved.arm.drugs)
            what = {**contents(resolved), "circuit": circuit, "rows": [_drug_rows(drugs, resolved.profile), receptors]}
            if resolved.engine == "none":
                # Bands change nothing where cells spike; here they are what the receptors hear.
                what["heard"] = self._heard(resolved)
            self.arms[id(resolved)] = (resolved, digest(what, *self.common))
        return self.arms[id(resolved)][1]

    def _heard(self, resolved: Resolved) -> list[float]:
        key = (id(resolved.circuit), *((name, float(level)) for name, level in resolved.levels.items()))
        if key not in self.heard:
            from neurosim.build import Still

            self.heard[key] = Still(resolved, ()).heard.tolist()
        return self.heard[key]

    def _of_circuit(self, circuit: Circuit, profile: str) -> tuple[Circuit, str, str]:
        key = (id(circuit), profile)
        if key not in self.circuits:
            receptors = {site.receptor for site in circuit.sites.values()}
            receptors |= {kind.receptor for kind in circuit.synapses.values() if kind.receptor is not None}
            rows = reference.rows_used((), receptors, profile=profile)
            self.circuits[key] = (circuit, digest(circuit), rows)
        return self.circuits[key]


@cache
def _drug_rows(drugs: frozenset[str], profile: str) -> str:
    return reference.rows_used(drugs, profile=profile)


def contents(resolved: Resolved) -> dict[str, Any]:
    """What a resolved arm says to the simulation; the reference of the balance is not part of it."""
    return {
        "circuit": resolved.circuit,
        "arm": resolved.arm,
        "protocol": resolved.protocol,
        "species": resolved.species,
        "seed": resolved.seed,
        "profile": resolved.profile,
        "uncertainty": resolved.uncertainty,
        **({} if resolved.engine != "none" else {"levels": resolved.levels}),
    }


def _subject_key(arm_digest: str, subject: int) -> str:
    return hashlib.sha256(f"{arm_digest}:{subject}".encode()).hexdigest()[:24]


def trial_key(resolved: Resolved, subject: int, engine: str) -> str:
    """Key of one trial, 24 hex digits: resolved spec with its seed, subject, reference rows, sources and engine."""
    return _subject_key(_Digests(engine).of_arm(resolved), subject)


@cache
def source_digest() -> str:
    """Hash of the code that determines the numbers of a trial.

    Comments, docstrings and layout do not enter, so that tidying runs nothing again.
    """
    # taken before the files are read: what is edited meanwhile has another one
    stamp = source_stamp()
    known = _remembered(stamp)
    if known is not None:
        return known
    total = hashlib.sha256()
    for name, file in _sources():
        total.update(f"{name}\0".encode() + _meaning(file) + b"\0")
    if _stamp() == stamp:
        _remember(stamp, total.hexdigest())
    return total.hexdigest()


def _memory() -> Path:
    """Where the digest of the last sources is kept between processes, for this Python and this place of neurosim."""
    from neurosim.engines import cache_directory

    where = hashlib.sha256(f"{_ROOT}\0{sys.version}\0{SOURCES}".encode()).hexdigest()[:32]
    return cache_directory() / "sources" / f"{where}.json"


def _remembered(stamp: str) -> str | None:
    try:
        told = json.loads(_memory().read_text())
        return told["digest"] if told["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(stamp: str, found: str) -> None:
    """Keep a digest; where that is not possible it is made anew next time."""
    path = _memory()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"stamp": stamp, "digest": found}))
        os.replace(temporary, path)


@cache
def source_stamp() -> str:
    """Hash of when the same files were changed and how long they are: equal stamps on one disk say equal sources.

    Python trusts the same of the modules that it has compiled; unlike :func:`source_digest` it costs nothing.
    """
    return _stamp()


def _stamp() -> str:
    stats = [(name, file.stat().st_mtime_ns, file.stat().st_size) for name, file in _sources()]
    return hashlib.sha256(repr(stats).encode()).hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    for entry in SOURCES:
        path = _ROOT / entry
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(_ROOT).as_posix(), file


def _meaning(file: Path) -> bytes:
    """What a file says to the interpreter: its code without docstrings, comments, layout and line numbers."""
    if file.suffix != ".py":
        return file.read_bytes()
    code = compile(file.read_bytes(), "", "exec", dont_inherit=True, optimize=2)
    return b"\0".join(_said(code))


def _said(code: CodeType) -> Iterator[bytes]:
    # What is left of a docstring is an instruction that does nothing; most functions have none.
    said = code.co_code
    if opmap["NOP"] in said[::2]:
        pairs = (said[k : k + 2] for k in range(0, len(said), 2))
        said = b"".join(pair for pair in pairs if pair[0] != opmap["NOP"])
    yield said
    names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars)
    counts = (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    yield repr((names, counts, code.co_exceptiontable)).encode()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _said(constant)
        elif isinstance(constant, frozenset):
            # Its order changes from one process to the next.
            yield repr(sorted(map(repr, constant))).encode()
        else:
            yield repr(constant).encode()

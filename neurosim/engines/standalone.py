"""The compiled engine: one program per structure, one process per trial, everything else is data."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from neurosim.build.plan import Plan, Structure
from neurosim.engines.base import ENDS, MEANS, Engine, Progress, RawPhase, Run
from neurosim.engines.cache import Program, find_or_build, is_built
from neurosim.engines.data import connections, require_whole_steps, sample_ratio, slow_ratio, values
from neurosim.engines.process import Process
from neurosim.engines.records import decode, encode
from neurosim.errors import EngineError

__all__ = ["StandaloneEngine"]

#: Records of what a process lays out once (see driver.py), and the byte before every further plan.
_LAID_OUT = (".pre", ".post", ".delay")
_NEXT = b"+"


class StandaloneEngine(Engine):
    """Runs plans with compiled C++; Brian2 is needed to build a program, not to run it."""

    name = "standalone"

    def __init__(self) -> None:
        self._programs: dict[Structure, Program] = {}

    def prepare(self, structure: Structure) -> None:
        slow_ratio(structure)
        sample_ratio(structure)
        program = self._programs.get(structure)
        if program is None or not program.directory.exists():
            self._programs[structure] = find_or_build(structure)

    def is_prepared(self, structure: Structure) -> bool:
        return is_built(structure)

    def run(self, plan: Plan, progress: Progress | None = None) -> RawPhase:
        program = self._program(plan)
        started = time.perf_counter()
        with Process(program.directory) as process:
            stream = process.run(encode(_inputs(plan, program)), progress)
        return _result(plan, program, stream, started)

    @contextlib.contextmanager
    def session(self) -> Iterator[Run]:
        session = _Session(self)
        try:
            yield session.run
        finally:
            session.close()

    def _program(self, plan: Plan) -> Program:
        require_whole_steps(plan)
        self.prepare(plan.structure)
        return self._programs[plan.structure]


class _Session:
    """Plans one after the other; as long as only numbers change, one process runs them."""

    def __init__(self, engine: StandaloneEngine):
        self.engine = engine
        self.loaded: _Loaded | None = None

    def run(self, plan: Plan, progress: Progress | None = None) -> RawPhase:
        program = self.engine._program(plan)
        started = time.perf_counter()
        changed = None if self.loaded is None else self.loaded.changes(plan, program)
        if changed is None:
            self.close()
            arrays = _inputs(plan, program) | {"stay": np.ones(1, np.int64)}
            self.loaded = _Loaded(Process(program.directory), program, plan, arrays)
            chunks = encode(arrays)
        else:
            chunks = [_NEXT, *encode(changed)]
        try:
            stream = self.loaded.process.run(chunks, progress)
        except BaseException:
            # it has ended, or is in the middle of something
            self.close()
            raise
        return _result(plan, program, stream, started)

    def close(self) -> None:
        if self.loaded is not None:
            self.loaded.process.close()
            self.loaded = None


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A process, and the plan that it has loaded."""

    process: Process
    program: Program
    plan: Plan
    arrays: Mapping[str, np.ndarray]

    def changes(self, plan: Plan, program: Program) -> dict[str, np.ndarray] | None:
        """What differs in another plan; None if the process cannot run that one."""
        if program is not self.program:
            return None
        same = self._same_synapses(plan)
        arrays = _inputs(plan, program, same)
        if arrays.keys() != {name for name in self.arrays if name != "stay" and name.partition(".")[0] not in same}:
            return None
        changed = {name: array for name, array in arrays.items() if not _equal(array, self.arrays[name])}
        return None if any(name.endswith(_LAID_OUT) for name in changed) else changed

    def _same_synapses(self, plan: Plan) -> set[str]:
        """Groups of which another plan holds the very arrays of this one."""
        if plan.cells["cell_class"] is not self.plan.cells["cell_class"]:
            return set()
        return {name for name, wiring in plan.wiring.items() if wiring is self.plan.wiring.get(name)}


def _equal(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or np.array_equal(first, second)


def _inputs(plan: Plan, program: Program, without: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Records of a plan in the types of the program, ``without`` some groups of synapses."""
    steps = {"settle_steps": plan.settle_steps, "record_steps": plan.record_steps}
    arrays = {name: np.array([value], np.int64) for name, value in steps.items()}
    for name, (i, j) in connections(plan, without).items():
        arrays |= {f"{name}.pre": i, f"{name}.post": j}
    for name, value in values(plan, without).items():
        dtype, n = program.inputs[name]
        converted = value.astype(dtype, copy=False)
        if n and value.size != n:
            raise EngineError(f"plan: {name} has {value.size} values; allowed: {n}, as the structure says")
        if converted.dtype.kind == "i" and converted is not value and not np.array_equal(converted, value):
            raise EngineError(
                f"plan: {name} has values beyond {np.iinfo(dtype).max}; allowed: {dtype} integers"
            )
        arrays[name] = converted
    return arrays


def _result(plan: Plan, program: Program, stream: memoryview, started: float) -> RawPhase:
    dtypes = {name: dtype for name, (dtype, _) in program.outputs.items()} | {"loop_time": "<f8"}
    results, s = decode(stream, dtypes, dtypes), plan.structure
    n_slow = plan.record_steps // slow_ratio(s)
    every = sample_ratio(s)
    n_samples = -(-n_slow // every)

    def trace(name: str, n: int, length: int) -> np.ndarray:
        if n == 0:
            return np.zeros((0, length))
        samples = results[name].reshape(length, -1)
        return np.ascontiguousarray(samples[:, :n].T, float)

    sizes = {"pools": s.n_pools, "sites": s.n_sites, "terminals": s.n_terminals}
    return RawPhase(
        spike_i=results["spike_i"],
        spike_step=np.rint(results["spike_t"] / s.dt).astype(np.int64),
        traces={
            "concentration": trace("concentration", s.n_pools, n_samples),
            "activation": trace("activation", s.n_sites, n_samples),
            "voltage": trace("voltage", s.n_voltages, n_slow),
        },
        means={
            name: results[f"mean_{name}"][: sizes[group]] / n_slow for name, (group, _) in MEANS.items()
        },
        **{name: results[name][: sizes[group]] for name, (group, _) in ENDS.items()},
        wall_time=time.perf_counter() - started,
        loop_time=float(results["loop_time"][0]),
    )

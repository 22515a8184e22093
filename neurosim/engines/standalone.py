"""The compiled engine: one program per structure, one process per phase, everything else is data."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import deque

import numpy as np

from neurosim.build.plan import Plan, Structure
from neurosim.engines.base import ENDS, MEANS, NotFiniteError, Progress, RawPhase
from neurosim.engines.cache import Program, find_or_build, is_built
from neurosim.engines.data import connections, require_whole_steps, sample_ratio, slow_ratio, values
from neurosim.engines.records import decode, encode
from neurosim.errors import EngineError

__all__ = ["StandaloneEngine"]

#: Exit status of the program when a number is not finite (see driver.py).
_EXIT_NOT_FINITE = 4
_LAST_LINES = 5


class StandaloneEngine:
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
        require_whole_steps(plan)
        self.prepare(plan.structure)
        program = self._programs[plan.structure]
        started = time.perf_counter()
        stream = _execute(program, encode(_inputs(plan, program)), progress)
        dtypes = {name: dtype for name, (dtype, _) in program.outputs.items()} | {"loop_time": "<f8"}
        results = decode(stream, dtypes, dtypes)
        return _result(plan, results, time.perf_counter() - started)


def _inputs(plan: Plan, program: Program) -> dict[str, np.ndarray]:
    """Records of a plan in the types of the program."""
    steps = {"settle_steps": plan.settle_steps, "record_steps": plan.record_steps}
    arrays = {name: np.array([value], np.int64) for name, value in steps.items()}
    for name, (i, j) in connections(plan).items():
        arrays |= {f"{name}.pre": i, f"{name}.post": j}
    for name, value in values(plan).items():
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


def _collect(process: subprocess.Popen, received: list[bytes]) -> None:
    with process.stdout as pipe:
        received.append(pipe.read())


def _feed(process: subprocess.Popen, chunks: list) -> None:
    try:
        with process.stdin as pipe:
            for chunk in chunks:
                pipe.write(chunk)
    except OSError:
        # The program has stopped; its exit status and last words say why.
        return


def _execute(program: Program, chunks: list, progress: Progress | None) -> bytes:
    """Run the program on a plan; returns what it wrote.

    The program has a session of its own, so that an interrupt reaches Python alone, which then ends it; should Python
    be killed, the program notices that its parent has changed and stops by itself.
    """
    try:
        process = subprocess.Popen(
            [str(program.directory / "main")],
            cwd=program.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(
            f"{program.directory / 'main'} cannot be started: {error.strerror or error}"
        ) from error
    received: list[bytes] = []
    helpers = [
        threading.Thread(target=_feed, args=(process, chunks), daemon=True),
        threading.Thread(target=_collect, args=(process, received), daemon=True),
    ]
    last_words: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        for helper in helpers:
            helper.start()
        for line in process.stderr:
            _listen(line.decode(errors="replace").strip(), last_words, progress)
        status = process.wait()
        for helper in helpers:
            helper.join()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stderr.close()
    if status:
        raise _failure(status, list(last_words))
    if progress is not None:
        progress(1.0)
    return received[0]


def _listen(line: str, last_words: deque[str], progress: Progress | None) -> None:
    if line.startswith("@P "):
        if progress is not None:
            progress(float(line[3:]))
    elif line:
        last_words.append(line)


def _failure(status: int, last_words: list[str]) -> EngineError:
    words = " | ".join(last_words) or "it said nothing"
    if status == _EXIT_NOT_FINITE:
        return NotFiniteError(f"the numbers ran away: {words}")
    if status < 0:
        return EngineError(f"the compiled program was stopped by {signal.Signals(-status).name}: {words}")
    return EngineError(f"the compiled program stopped with status {status}: {words}")


def _result(plan: Plan, results: dict[str, np.ndarray], wall_time: float) -> RawPhase:
    s = plan.structure
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
        wall_time=wall_time,
        loop_time=float(results["loop_time"][0]),
    )

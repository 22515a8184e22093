"""Brian2 with its NumPy target: needs no compiler, about ten to thirty times slower than the compiled program."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from neurosim.build.plan import Plan, Structure
from neurosim.engines.base import ENDS, MEANS, Engine, NotFiniteError, Progress, RawPhase
from neurosim.engines.data import connections, require_whole_steps, sample_ratio, slow_ratio, values
from neurosim.engines.quiet import import_brian2

__all__ = ["NumpyEngine"]

_REPORT_PERIOD = 0.2


#: Brian2's choice of target and its state while it runs belong to the module: one run at a time in a process.
_one_run = threading.Lock()


class NumpyEngine(Engine):
    """Runs a plan inside this process; Brian2 is imported when the first plan runs."""

    name = "numpy"

    def prepare(self, structure: Structure) -> None:
        slow_ratio(structure)
        sample_ratio(structure)

    def is_prepared(self, structure: Structure) -> bool:
        return True

    def run(self, plan: Plan, progress: Progress | None = None) -> RawPhase:
        require_whole_steps(plan)
        started = time.perf_counter()
        loaded = values(plan)
        with _one_run, _numpy_target():
            parts = _network(plan, loaded)
            looped = time.perf_counter()
            _simulate(plan, parts, progress or (lambda fraction: None))
            looped = time.perf_counter() - looped
        raw = _result(plan, parts, time.perf_counter() - started, looped)
        _require_finite(parts)
        return raw


@contextmanager
def _numpy_target() -> Iterator[None]:
    """Brian2's module-wide choices, put back afterwards for whoever uses Brian2 beside neurosim."""
    brian2 = import_brian2()
    from brian2.devices.device import reset_device

    target = brian2.prefs.codegen.target
    brian2.set_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    try:
        yield
    finally:
        brian2.prefs.codegen.target = target
        reset_device()


def _network(plan: Plan, loaded: dict[str, np.ndarray]):
    """The network with the plan's values in it."""
    import brian2

    from neurosim.engines.network import build_network

    parts = build_network(plan.structure, connections(plan))
    objects = parts.groups | parts.monitors
    for name, value in loaded.items():
        group, variable = name.split(".", 1)
        if variable == "delay":
            objects[group].arrival.delay = value * brian2.second
        else:
            target = objects[group].variables[variable]
            target.set_value(value.astype(target.dtype))
    return parts


def _simulate(plan: Plan, parts, progress: Progress) -> None:
    """Settle, then record; monitors sleep during the first."""
    import brian2

    total = plan.settle_steps + plan.record_steps
    for steps, offset, recording in (
        (plan.settle_steps, 0, False),
        (plan.record_steps, plan.settle_steps, True),
    ):
        for monitor in parts.monitors.values():
            monitor.active = recording

        def report(elapsed, completed, start, duration, offset=offset, steps=steps):
            progress((offset + completed * steps) / total)

        with np.errstate(all="ignore"):
            parts.network.run(
                steps * plan.structure.dt * brian2.second,
                report=report,
                report_period=_REPORT_PERIOD * brian2.second,
                namespace={},
            )


def _require_finite(parts) -> None:
    for group, variable in (("cells", "v"), ("pools", "c")):
        value = parts.groups[group].variables[variable].get_value()
        if not np.isfinite(value).all():
            place = int(np.flatnonzero(~np.isfinite(value))[0])
            raise NotFiniteError(f"{group}.{variable}[{place}] is {value[place]} at the end of the phase")


def _result(plan: Plan, parts, wall_time: float, loop_time: float) -> RawPhase:
    s, monitors = plan.structure, parts.monitors
    n_steps = plan.record_steps // slow_ratio(s)
    every = sample_ratio(s)

    def trace(monitor: str, variable: str, n: int, every: int = 1) -> np.ndarray:
        # a copy in any case: Brian2's own memory moves when the monitor ends, whoever still looks at it
        return np.array(getattr(monitors[monitor], variable + "_")[:n, ::every], float, order="C")

    sizes = {"pools": s.n_pools, "sites": s.n_sites, "terminals": s.n_terminals}

    def final(group: str, variable: str) -> np.ndarray:
        return np.array(parts.groups[group].variables[variable].get_value()[: sizes[group]])

    traces = {
        "concentration": trace("concentrations", "c", s.n_pools, every),
        "activation": trace("activations", "a", s.n_sites, every),
        "voltage": trace("voltages", "v", s.n_voltages) if s.n_voltages else np.zeros((0, n_steps)),
    }
    return RawPhase(
        spike_i=np.array(monitors["spikes"].i, np.int32),
        spike_step=np.rint(np.asarray(monitors["spikes"].t_) / s.dt).astype(np.int64),
        traces=traces,
        means={name: final(*place) / n_steps for name, place in MEANS.items()},
        **{name: final(*place) for name, place in ENDS.items()},
        wall_time=wall_time,
        loop_time=loop_time,
    )

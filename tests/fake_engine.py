"""An engine without a network: numbers that depend on the plan, at once. For tests of what lies around engines."""

from __future__ import annotations

import zlib

import numpy as np

from neurosim import engines
from neurosim.build.plan import Plan
from neurosim.engines import Choice, Engine, RawPhase


class FakeEngine(Engine):
    """Ten spikes per living cell and second, drawn from what the plan says; may be told to fail."""

    name = "standalone"
    runs = 0
    #: Called with the plan before each run; may raise.
    before = staticmethod(lambda plan: None)

    def prepare(self, structure) -> None:
        pass

    def is_prepared(self, structure) -> bool:
        return True

    def run(self, plan: Plan, progress=None) -> RawPhase:
        FakeEngine.runs += 1
        FakeEngine.before(plan)
        if progress is not None:
            progress(1.0)
        return _phase(plan, np.random.default_rng([plan.noise_key, _signature(plan)]))


def _signature(plan: Plan) -> int:
    """A number that changes with whatever the plan says of cells, pools and sites."""
    parts = [array for group in (plan.cells, plan.pools, plan.sites) for array in group.values()]
    return zlib.crc32(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))


def _phase(plan: Plan, draw: np.random.Generator) -> RawPhase:
    s = plan.structure
    alive = np.flatnonzero(plan.cells["inv_C_m"] > 0)
    n_spikes = int(10 * plan.record * alive.size)
    step = np.sort(draw.integers(plan.settle_steps, plan.settle_steps + plan.record_steps, n_spikes))
    n_samples = -(-plan.record_steps // round(s.dt_trace / s.dt))
    pools, sites = draw.uniform(1, 50, s.n_pools), draw.uniform(0.1, 0.9, s.n_sites)
    return RawPhase(
        spike_i=draw.choice(alive, n_spikes).astype(np.int32),
        spike_step=step.astype(np.int64),
        traces={
            "concentration": np.repeat(pools[:, None], n_samples, axis=1),
            "activation": np.repeat(sites[:, None], n_samples, axis=1),
            "voltage": np.zeros((s.n_voltages, round(plan.record / 1e-3))),
        },
        means={
            "concentration": pools,
            "release": pools,
            "uptake": 0.9 * pools,
            "loss": 0.1 * pools,
            "activation": sites,
            "efflux": 0.0 * pools,
            "heard": 10 * sites,
            "bound": 0.5 * sites,
            "released": np.zeros(s.n_terminals),
            "filling": np.ones(s.n_terminals),
        },
        c_start=pools,
        c_end=pools,
        S_end=plan.terminals["S_0"],
        Q_end=plan.terminals["Q_start"],
        wall_time=0.0,
        loop_time=0.0,
    )


def install(monkeypatch) -> None:
    """Put the fake in the place of the engines of this process."""
    monkeypatch.setattr(FakeEngine, "runs", 0)
    monkeypatch.setattr(FakeEngine, "before", staticmethod(lambda plan: None))
    monkeypatch.setattr(engines, "get_engine", lambda name: FakeEngine())
    monkeypatch.setattr(engines, "choose", lambda: Choice(FakeEngine(), None))
    monkeypatch.setattr(engines, "engine_fingerprint", lambda name: {"engine": name})

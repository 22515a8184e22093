"""What trials take and need, from those that ran: an estimate that was held against this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from neurosim.recording import OUTCOMES_WITH_DATA, TrialRecord, trial_path
from neurosim.runner.estimate import Estimate, estimate
from neurosim.runner.execute import Job, execute
from neurosim.runner.simulate import prepare, structures
from neurosim.runner.trials import Expansion, TrialSpec, source_digest
from neurosim.units import Quantity

__all__ = ["Measured", "estimates_of", "from_finished", "measure_one"]

#: Trials of a folder that are looked at, at most.
_MOST = 200
#: Trials without spikes that are evaluated to see how long they take.
_STILL = 200
#: A trial that is expected to take longer, s, is measured on shorter phases.
_LONGEST = 20.0


@dataclass(frozen=True)
class Measured:
    """What trials took over what was estimated for them, and how that is known.

    Attributes
    ----------
    time, size : float
        Factors on an :class:`~neurosim.runner.estimate.Estimate`.
    how : str
        ``"from 12 finished trials"``.
    """

    time: float = 1.0
    size: float = 1.0
    how: str = "by experience, none has run yet"

    def of(self, expected: Estimate) -> Estimate:
        """An estimate, corrected."""
        return replace(expected, time=expected.time * self.time, size=expected.size * self.size)


def from_finished(
    expansion: Expansion, headers: Mapping[str, TrialRecord], folder: Path, engine: str
) -> Measured | None:
    """From the trials of a folder that have data; None if there is none, or nothing spikes."""
    known = {trial.key: trial for trial in expansion.trials if trial.key in headers}
    done = [key for key in known if headers[key].outcome in OUTCOMES_WITH_DATA and trial_path(folder, key).exists()]
    if not done or engine == "none":
        return None
    chosen = done[:: max(1, len(done) // _MOST)]
    needed = [estimate(known[key].resolved, engine) for key in chosen]
    return Measured(
        median(headers[key].wall_time / need.time for key, need in zip(chosen, needed, strict=True)),
        median(trial_path(folder, key).stat().st_size / need.size for key, need in zip(chosen, needed, strict=True)),
        f"from {len(done)} finished trial{'s' * (len(done) > 1)}",
    )


def estimates_of(
    pending: Sequence[TrialSpec],
    expansion: Expansion,
    headers: Mapping[str, TrialRecord],
    folder: Path,
    engine: str,
    measured: Measured | None = None,
) -> dict[str, Estimate]:
    """Key → what each pending trial is expected to need, in the light of those that are finished."""
    measured = measured or from_finished(expansion, headers, folder, engine) or Measured()
    per_resolved: dict[int, Estimate] = {}
    for trial in pending:
        if id(trial.resolved) not in per_resolved:
            per_resolved[id(trial.resolved)] = measured.of(estimate(trial.resolved, engine))
    return {trial.key: per_resolved[id(trial.resolved)] for trial in pending}


def measure_one(pending: Sequence[TrialSpec], engine: str, say: Callable[[str], None]) -> Measured:
    """Run one pending trial in a folder of its own, which is thrown away, to see what the others will take.

    Without spikes some hundred are evaluated. A program that is not there yet is compiled first, and stays.
    """
    with tempfile.TemporaryDirectory(prefix="neurosim-") as name:
        folder = Path(name)
        if engine == "none":
            return _still(pending[:_STILL], folder)
        say("measuring one trial")
        prepare(engine, structures(pending[:1]), say)
        trial = _not_too_long(pending[0], engine)
        attributes = {"name": "measured", "source_digest": source_digest()}
        done = execute(Job(trial, folder, engine, attributes), lambda part: None)
        if done.outcome not in OUTCOMES_WITH_DATA:
            return Measured(how=f"by experience: the trial that was tried ended as {done.outcome}: {done.message}")
        need = estimate(trial.resolved, engine)
        size = trial_path(folder, trial.key).stat().st_size
        return Measured(done.wall_time / need.time, size / need.size, f"from one trial that took {done.wall_time:.2g} s")


def _not_too_long(trial: TrialSpec, engine: str) -> TrialSpec:
    """The trial, its phases cut where it would take long; what is stimulated at a time of its own stays whole."""
    part = _LONGEST / estimate(trial.resolved, engine).time
    if part >= 1 or trial.resolved.arm.stimulations:
        return trial
    protocol = trial.resolved.protocol

    def cut(time: Quantity | None) -> Quantity | None:
        return None if time is None else Quantity(max(1, round(1e3 * float(time) * part)) / 1e3, "time")

    phases = tuple(p.model_copy(update={"record": cut(p.record), "settle": cut(p.settle)}) for p in protocol.phases)
    shorter = protocol.model_copy(update={"phases": phases, "settle": cut(protocol.settle)})
    return replace(trial, resolved=replace(trial.resolved, protocol=shorter))


def _still(some: Sequence[TrialSpec], folder: Path) -> Measured:
    from neurosim.runner.still import evaluate_blocks

    need, since = estimate(some[0].resolved, "none"), time.perf_counter()
    evaluate_blocks(some, folder, {"name": "measured"}, lambda trial, ended: None)
    taken = time.perf_counter() - since
    size = sum(path.stat().st_size for path in (folder / "trials").iterdir())
    return Measured(
        taken / len(some) / need.time, size / len(some) / need.size, f"from {len(some)} trials that took {taken:.2g} s"
    )

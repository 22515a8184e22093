"""One process for all phases of a trial: the same bits as a process for each, and nothing left where something breaks."""

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from engines_util import all_below, same
from plans import changed, tiny_plan

from neurosim.engines import NotFiniteError, get_engine
from neurosim.engines.process import Process
from neurosim.engines.records import encode
from neurosim.engines.standalone import _inputs
from neurosim.errors import EngineError

# what changes between the phases of a trial: lengths, noise, drugs at pools and sites, weights, what neighbours do
PLANS = {
    "first": tiny_plan(settle=0.1, record=0.2),
    "longer": tiny_plan(settle=0.0, record=0.4),
    "noise": changed(tiny_plan(settle=0.1, record=0.2), noise_key=77),
    "blocked": tiny_plan(settle=0.1, record=0.2, pools={"B_SERT": np.array([9.0, 9.0, 9.0])}),
    "again": tiny_plan(settle=0.1, record=0.2),
}


def with_delays(plan, factor):
    wiring = {name: replace(w, delay=w.delay * factor) for name, w in plan.wiring.items()}
    return replace(plan, wiring=wiring)


@pytest.fixture
def started(monkeypatch):
    """Processes that engines have started."""
    found = []

    def start(directory):
        found.append(Process(directory))
        return found[-1]

    monkeypatch.setattr("neurosim.engines.standalone.Process", start)
    return found


def test_phases_of_a_session_are_those_of_single_runs_and_share_a_process(standalone, started):
    alone = {name: standalone.run(plan) for name, plan in PLANS.items()}
    assert len(started) == len(PLANS)
    started.clear()
    with standalone.session() as run:
        together = {name: run(plan) for name, plan in PLANS.items()}
    assert len(started) == 1
    assert [name for name in PLANS if not same(together[name], alone[name])] == []
    assert not same(together["first"], together["blocked"]) and same(together["first"], together["again"])


def test_other_wiring_gets_a_process_of_its_own(standalone, started):
    slower = with_delays(PLANS["first"], 2.0)
    with standalone.session() as run:
        assert same(run(PLANS["first"]), standalone.run(PLANS["first"]))
        assert same(run(slower), standalone.run(slower))
    # two of the session, two of single runs
    assert len(started) == 4
    assert all(process.process.poll() is not None for process in started), "and all have ended"


def test_wiring_that_is_laid_out_cannot_be_changed(program):
    plan = PLANS["first"]
    arrays = _inputs(plan, program) | {"stay": np.ones(1, np.int64)}
    name = next(name for name in arrays if name.endswith(".delay"))
    with Process(program.directory) as process:
        process.run(encode(arrays))
        with pytest.raises(EngineError, match=rf"the plan changes {name}, which is laid out already"):
            process.run([b"+", *encode({name: arrays[name]})])


def test_a_session_goes_on_after_numbers_ran_away(standalone, started):
    plan = PLANS["first"]
    with standalone.session() as run:
        before = run(plan)
        with pytest.raises(NotFiniteError, match=r"cells\.v\[\d+\]"):
            run(tiny_plan(settle=0.1, record=0.2, kinds={"tau_decay_AMPA": 1e-5}))
        assert same(run(plan), before)
    assert len(started) == 2


def test_progress_of_every_phase_grows_and_ends_at_one(standalone):
    with standalone.session() as run:
        for _ in range(2):
            seen = []
            run(tiny_plan(record=20.0), seen.append)
            assert seen == sorted(seen) and seen[-1] == 1.0 and seen[0] >= 0


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks for processes in /proc")
@pytest.mark.parametrize("which", ["the one that stays", "its copy"])
def test_a_process_that_is_killed_is_an_error_with_its_signal(standalone, started, which):
    def kill(part):
        below = all_below(started[0].process.pid)
        os.kill(started[0].process.pid if which == "the one that stays" else below[0], signal.SIGKILL)

    with standalone.session() as run, pytest.raises(EngineError, match="SIGKILL"):
        run(tiny_plan(record=3600.0), kill)


class SlowToClose:
    """A pipe whose closing takes longer than the program needs to notice it."""

    def __init__(self, pipe):
        self.pipe = pipe

    def write(self, data):
        return self.pipe.write(data)

    def close(self):
        self.pipe.close()
        time.sleep(0.5)


def test_an_interrupt_ends_the_phase_and_the_process(standalone, started):
    def interrupt(part):
        started[0].process.stdin = SlowToClose(started[0].process.stdin)
        raise KeyboardInterrupt

    with standalone.session() as run:
        with pytest.raises(KeyboardInterrupt):
            run(tiny_plan(record=3600.0), interrupt)
        assert started[0].process.poll() == -signal.SIGKILL
        assert same(run(PLANS["first"]), run(PLANS["first"]))


def test_an_engine_without_more_runs_phases_one_by_one():
    plan = tiny_plan(settle=0.0, record=0.01)
    with get_engine("numpy").session() as run:
        assert same(run(plan), get_engine("numpy").run(plan))

"""Trials that begin alike: their first phase is simulated once in a process, and nothing else changes."""

from dataclasses import fields, replace

import h5py
import numpy as np
import pytest
from engines_util import same
from plans import changed, tiny_plan

from neurosim import runner
from neurosim.engines import get_engine
from neurosim.runner.execute import FIRST_PHASES
from neurosim.runner.first_phase import FirstPhases, plan_digest, shared_folder
from neurosim.schedulers import Local

PLAN = tiny_plan(settle=0.0, record=0.05)


def test_every_part_of_a_plan_is_in_its_digest():
    assert plan_digest(PLAN) == plan_digest(tiny_plan(settle=0.0, record=0.05))
    group = next(iter(PLAN.wiring))
    weaker = replace(PLAN.wiring[group], weight=PLAN.wiring[group].weight * 0.5)
    other = {
        "structure": replace(PLAN.structure, dt_trace=0.02),
        "wiring": PLAN.wiring | {group: weaker},
        "settle_steps": 10,
        "record_steps": 1000,
        "noise_key": PLAN.noise_key + 1,
        "labels": replace(PLAN.labels, populations=("x", "y")),
        "voltage_cells": np.zeros(1, np.int32),
    }
    for name in (field.name for field in fields(PLAN)):
        value = getattr(PLAN, name)
        if name not in other:
            first = next(iter(value))
            other[name] = value | {first: value[first] + 1}
        assert plan_digest(changed(PLAN, **{name: other[name]})) != plan_digest(PLAN), name


def test_a_plan_runs_once_and_what_is_remembered_took_no_time():
    known, runs = FirstPhases(), []

    def run():
        runs.append(1)
        return get_engine("numpy").run(PLAN)

    first, second = (known.run("numpy", PLAN, run) for _ in range(2))
    assert len(runs) == 1 and first.loop_time > 0 and (second.loop_time, second.wall_time) == (0.0, 0.0)
    assert second.spike_i is first.spike_i
    known.run("another engine", PLAN, run)
    assert len(runs) == 2, "engines agree within rounding, not to the bit"
    known.forget()
    known.run("numpy", PLAN, run)
    assert len(runs) == 3


def test_what_was_not_asked_for_longest_goes_first_and_what_is_too_large_is_not_kept():
    raw = get_engine("numpy").run(PLAN)
    plans = [changed(PLAN, noise_key=key) for key in range(3)]
    runs = []

    def run(plan):
        runs.append(plan.noise_key)
        return raw

    size = FirstPhases()
    size.run("numpy", plans[0], lambda: raw)
    (only,) = (size for _, size in size.kept.values())
    known = FirstPhases(room=2 * only)
    for plan in (plans[0], plans[1], plans[0], plans[2], plans[0], plans[1]):
        known.run("numpy", plan, lambda plan=plan: run(plan))
    assert runs == [0, 1, 2, 1]
    small = FirstPhases(room=only - 1)
    small.run("numpy", plans[0], lambda: raw)
    assert not small.kept


def contents(path):
    """Variable of a file → its bytes."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: str(item[()].tolist())} if hasattr(item, "shape") else {}))
    return found


def test_processes_of_a_run_share_what_they_made(tmp_path):
    runs = []

    def run():
        runs.append(1)
        return get_engine("numpy").run(PLAN)

    first, second = FirstPhases(), FirstPhases()
    made = first.run("numpy", PLAN, run, tmp_path)
    found = second.run("numpy", PLAN, run, tmp_path)
    assert len(runs) == 1 and found.loop_time == 0.0
    assert same(made, found)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    FirstPhases().run("numpy", PLAN, run, tmp_path)
    assert len(runs) == 2, "a damaged file is as good as none"
    FirstPhases().run("numpy", PLAN, run, tmp_path / "gone")
    assert len(runs) == 3, "and so is a folder that cannot be used"


def test_no_more_is_shared_than_there_is_room_for(tmp_path):
    raw = get_engine("numpy").run(PLAN)
    FirstPhases(room=10).run("numpy", PLAN, lambda: raw, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    raw = get_engine("numpy").run(PLAN)

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert FirstPhases().run("numpy", PLAN, lambda: raw, tmp_path) is raw
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_there_for_several_processes_of_this_machine_alone():
    with shared_folder(Local(2)) as folder:
        assert folder.is_dir()
    assert not folder.exists()
    with shared_folder(Local(1)) as folder:
        assert folder is None


@pytest.fixture
def together_and_apart(tiny, fake_engine):
    """The tiny experiment with all trials in one process, and each trial by itself: folder, runs of the engine."""
    found = []
    for output, forgetful in (("together", False), ("apart", True)):
        before = fake_engine.runs
        if forgetful:
            fake_engine.before = staticmethod(lambda plan: FIRST_PHASES.forget())
        runner.run_experiment("tiny_experiment", workers=1, output=tiny / output)
        found.append((tiny / output, fake_engine.runs - before))
    fake_engine.before = staticmethod(lambda plan: None)
    return found


def test_arms_of_a_subject_share_their_first_phase_and_their_files_hold_it(together_and_apart):
    (together, few), (apart, all_) = together_and_apart
    # of 2 subjects; a lesion and a change of the circuit make another baseline, the arm with a drug has that of vehicle
    assert (few, all_) == (14, 16)
    files = sorted((together / "trials").glob("*.h5"))
    assert len(files) == 8
    for path in files:
        one, other = contents(path), contents(apart / "trials" / path.name)
        assert one.keys() == other.keys() and [name for name in one if one[name] != other[name]] == []


def test_a_run_gives_the_memory_back(tiny, fake_engine):
    runner.run_experiment("tiny_experiment", workers=1, output=tiny / "results" / "x")
    assert not FIRST_PHASES.kept

"""What a process keeps: of objects as long as they live, of subjects as long as there is room."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from neurosim import build
from neurosim._memory import once_each
from neurosim.build import drawn as drawn_module
from neurosim.build.drawn import drawn
from neurosim.spec import Experiment, load_circuit, resolve

CIRCUIT = load_circuit("tests/data/tiny.yaml")


def trial(subject=0, circuit=CIRCUIT, seed=1, dt="0.1 ms", arm=None):
    protocol = {"settle": "1 s", "dt": dt, "phases": [{"name": "p", "record": "1 s"}]}
    experiment = Experiment(name="x", circuit=circuit, seed=seed, protocol=protocol, arms={"a": arm or {}})
    return build.Trial(resolve(experiment, "a", {}), subject)


def plan(**changes):
    return next(trial(**changes).phases()).plan


@pytest.fixture(autouse=True)
def forgotten():
    build.forget_drawn()
    yield
    build.forget_drawn()


def test_a_function_is_called_once_for_an_object_and_what_it_made_goes_with_it():
    calls = []

    @once_each
    def half(array, by):
        calls.append(by)
        return array / by

    array = np.arange(4.0)
    first = half(array, 2)
    assert half(array, 2) is first and calls == [2]
    gone = weakref.ref(first)
    del first, array
    gc.collect()
    assert gone() is None
    for _ in range(50):  # whichever of them gets the number of an earlier one
        assert np.array_equal(half(np.ones(4), 2), np.full(4, 0.5))
    assert len(calls) == 51


def test_what_could_not_be_made_is_tried_again():
    calls = []

    @once_each
    def fails(array):
        calls.append(1)
        raise ValueError

    array = np.zeros(1)
    for _ in range(2):
        with pytest.raises(ValueError):
            fails(array)
    assert len(calls) == 2


def test_trials_of_a_subject_hold_the_same_arrays_and_those_of_others_do_not():
    one, lesioned = plan(), plan(arm={"lesions": [{"population": "VTA_DA", "fraction": 0.5}]})
    for group, wiring in one.wiring.items():
        assert lesioned.wiring[group] is wiring
    assert lesioned.cells["E_L"] is one.cells["E_L"]
    assert (lesioned.cells["inv_C_m"] == 0).sum() > (one.cells["inv_C_m"] == 0).sum() == 0
    group = next(iter(one.wiring))
    for other in ({"subject": 1}, {"seed": 2}, {"dt": "0.2 ms"}, {"circuit": load_circuit("tests/data/tiny.yaml")}):
        assert plan(**other).wiring[group] is not one.wiring[group], other


def test_what_is_kept_is_what_would_be_drawn_anew():
    kept = [plan(), plan()][1]
    build.forget_drawn()
    anew = plan()
    for group, wiring in kept.wiring.items():
        for name, array in vars(wiring).items():
            assert array is None or np.array_equal(array, getattr(anew.wiring[group], name)), (group, name)
    for name, array in kept.cells.items():
        assert np.array_equal(array, anew.cells[name]), name


def test_nobody_can_write_to_what_trials_share():
    one = plan()
    for wiring in one.wiring.values():
        with pytest.raises(ValueError, match="read-only"):
            wiring.weight[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        one.cells["E_L"][0] = 0.0


def subject(number):
    own = trial(number)
    return drawn(own.layout, CIRCUIT, 1, number, 1e-4)


def test_subjects_that_were_not_asked_for_longest_go_when_there_is_no_room(monkeypatch):
    first = subject(0)
    monkeypatch.setattr(drawn_module, "_ROOM", int(2.5 * first.size))
    second = subject(1)
    assert subject(0) is first and subject(1) is second
    assert subject(0) is first
    third = subject(2)  # the second was asked for longest ago
    assert subject(0) is first and subject(2) is third and subject(1) is not second


def test_a_subject_that_is_larger_than_the_room_is_kept_alone(monkeypatch):
    monkeypatch.setattr(drawn_module, "_ROOM", 1)
    first = subject(0)
    assert subject(0) is first
    subject(1)
    assert list(drawn_module._KEPT) == [(id(CIRCUIT), 1, 1, 1e-4)]


def test_of_each_group_the_scales_asked_for_last_are_kept():
    one = subject(0)
    group, names = next(iter(one.layout.groups.items()))
    ones = (1.0,) * len(names)
    whole, half, third = (one.wiring(group, tuple(part * scale for scale in ones)) for part in (1.0, 0.5, 0.25))
    assert np.array_equal(half.weight, 0.5 * whole.weight) and half.pre is whole.pre
    assert one.wiring(group, tuple(0.25 * scale for scale in ones)) is third
    assert one.wiring(group, ones) is not whole


def test_phases_that_share_spikes_share_what_is_said_of_them_unless_their_survivors_differ():
    from synthetic import phase

    from neurosim.analysis import spikes as statistics

    recorded = phase(record=2.0)
    rates = statistics.phase_rates(recorded)
    rates["firing_rate"] = None  # the caller's own
    again = statistics.phase_rates(replace(recorded, name="another"))
    assert again["firing_rate"] is not None and again["cv_isi"] is rates["cv_isi"]
    half = recorded.alive.copy()
    half[::2] = False
    other = statistics.phase_rates(replace(recorded, alive=half))
    assert (other["n_cells"] < again["n_cells"]).all() and (other["firing_rate"] > again["firing_rate"]).all()

"""The hand-written loop that speed is held against computes what the engines compute."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from plans import N_A, N, changed, tiny_plan

from neurosim.engines import get_engine
from neurosim.engines.cache import compiler_here
from neurosim.errors import EngineError

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "floor.py"

pytestmark = pytest.mark.skipif(compiler_here() is None, reason="no C++ compiler")


@pytest.fixture(scope="module")
def floor():
    # By its path, for "floor" on the path of all tests would be one more name that means something else elsewhere.
    spec = importlib.util.spec_from_file_location("benchmarks_floor", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def programs(floor, tmp_path_factory):
    """Builds each variant for the tiny plan once."""
    built = {}

    def program(real="double", shared=frozenset()):
        if (real, shared) not in built:
            folder = tmp_path_factory.mktemp("floor")
            built[real, shared] = floor.build(tiny_plan().structure, folder, real, shared)
        return built[real, shared]

    return program


def stimulated(**lengths):
    """The tiny plan with a train and a random stimulus from 20 ms on, and a lesioned cell."""
    plan = tiny_plan(**lengths)
    mask = np.zeros(N)
    mask[:N_A] = 1
    inv_C_m = plan.cells["inv_C_m"].copy()
    inv_C_m[4] = 0
    return changed(
        plan,
        cells={"stim_0": mask, "stim_1": 1 - mask, "inv_C_m": inv_C_m},
        stimuli={
            "on": np.array([200, 300]),
            "off": np.array([1500, 1600]),
            "period": np.array([333.3, 10.0]),
            "width": np.array([50, 10]),
            "amplitude": np.array([200e-12, 300e-12]),
            "probability": np.array([1.0, 0.3]),
            "key": np.array([0, 2**61 + 1]),
        },
    )


# As far as this, what NumPy's engine holds in single precision moves no spike by a step; the chaos of the network would.
@pytest.mark.parametrize("plan", [tiny_plan(settle=0.05, record=0.2), stimulated(settle=0.01, record=0.2)])
@pytest.mark.parametrize("is_shared", [False, True])
def test_the_spikes_and_concentrations_are_those_of_the_numpy_engine(floor, programs, plan, is_shared):
    shared = floor.shared_values(tiny_plan()) if is_shared else frozenset()
    run = floor.run(programs(shared=shared), plan)
    expected = get_engine("numpy").run(plan)
    assert expected.spike_i.size > 50
    np.testing.assert_array_equal(run.spike_step, expected.spike_step)
    np.testing.assert_array_equal(run.spike_i, expected.spike_i)
    # The slow loop is double on both sides: the order of sums is all that differs.
    np.testing.assert_allclose(run.concentration, expected.means["concentration"], rtol=1e-10)


def test_single_precision_fires_at_the_same_rate(floor, programs):
    plan = tiny_plan(settle=0.0, record=2.0)
    double, single = floor.run(programs(), plan), floor.run(programs("float"), plan)
    early = [run.spike_step < 1000 for run in (double, single)]
    np.testing.assert_array_equal(double.spike_i[early[0]], single.spike_i[early[1]])
    # Counts of 40 cells; where single spikes move, the trains part, so all that stays is the rate: three standard errors.
    assert abs(double.spike_i.size - single.spike_i.size) < 3 * np.sqrt(double.spike_i.size)


def test_shared_parameters_are_those_equal_in_all_cells(floor):
    shared = floor.shared_values(tiny_plan())
    assert {"V_r", "kappa", "inv_Delta_T"} <= shared
    assert not shared & {"g_L", "inv_C_m", "inv_tau_GABA"}


def test_a_plan_without_what_it_was_told_is_shared_is_refused(floor, programs):
    shared = floor.shared_values(tiny_plan())
    plan = changed(tiny_plan(), cells={"kappa": np.linspace(0.4, 0.6, N)})
    with pytest.raises(EngineError, match="kappa is not the same in all cells"):
        floor.run(programs(shared=shared), plan)


def test_what_is_measured_is_of_the_program_alone(floor, programs):
    run = floor.run(programs(), tiny_plan(settle=0.0, record=0.2))
    # Python and NumPy alone take more than 20 MB; forty cells a few.
    assert run.cpu_time > 0 and run.loop_time > 0
    assert 0 < run.peak_memory < 20

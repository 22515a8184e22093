"""What the compiled engine leans on in the sources that Brian2 generates.

If one of these fails after an update of Brian2, look at ``neurosim/engines/driver.py`` and ``_build.py`` first.
"""

import json
import re

import pytest
from plans import STRUCTURE, tiny_plan

from neurosim import models
from neurosim.engines._build import structure_from_json
from neurosim.engines.compiler import _NEVER_CALLED
from neurosim.engines.data import connections, values
from neurosim.engines.pathway import PATHWAY_FILE, PATHWAY_SOURCE
from neurosim.engines.unity import joinable, without_bodies

SINGLES = models.cell_singles(
    STRUCTURE.fast_kinds, STRUCTURE.slow_kinds, STRUCTURE.rising_kinds, STRUCTURE.n_stimuli
)


@pytest.fixture(scope="module")
def main_cpp(program):
    return (program.directory / "main.cpp").read_text()


@pytest.fixture(scope="module")
def order(main_cpp):
    """(clock, code object) in the order in which the network runs them."""
    return re.findall(r"neurosim_network\.add\(&(\w+), _run_(\w+)\);", main_cpp)


def test_values_are_loaded_after_the_synapses_exist_and_before_their_delays_are_used(main_cpp):
    load = main_cpp.index("neurosim_load();")
    assert max(m.start() for m in re.finditer(r"_synapses_create_array_codeobject\(\);", main_cpp)) < load
    prepared = [m.start() for m in re.finditer(r"_before_run_\w+_push_spikes\(\);", main_cpp)]
    assert len(prepared) == 7 and min(prepared) > load


def test_our_loop_follows_the_empty_run_of_brian2_and_nothing_is_written_after_it(main_cpp):
    empty = main_cpp.index("neurosim_network.run(0.0, NULL")
    assert main_cpp.index("set_from_command_line(args);", main_cpp.index("int main(")) < empty
    assert empty < main_cpp.index("neurosim_run();") < main_cpp.index("return neurosim_finish();")
    assert main_cpp.index("return neurosim_finish();") < main_cpp.index(
        "brian_end();", main_cpp.index("int main(")
    )


def test_slow_step_runs_in_the_order_of_the_plan(order):
    slow = [code for clock, code in order if clock == "slow_clock"]
    steps = [name.removesuffix("_codeobject") for name in slow]
    assert set(steps[:3]) == {"activations", "concentrations", "voltages"}
    assert steps[3:] == [
        *("terminals_step", "pools_reset", "release_links_step", "cross_step", "pools_step"),
        *("uptake_links_step", "sites_step"),
        *(
            "terminal_links_step",
            "gates_reset",
            "site_links_step",
            "gates_step",
            "cells_gates",
            "cells_stimuli",
            "cells_step",
        ),
    ]


def test_slow_step_comes_before_the_fast_one_and_spikes_travel_before_resets(order):
    clocks = [clock for clock, _ in order]
    assert clocks == sorted(clocks, reverse=True), "slow_clock first"
    fast = [code for clock, code in order if clock == "fast_clock"]
    assert fast[0] == "cells_stateupdater_codeobject"
    assert fast.index("cells_spike_thresholder_codeobject") < fast.index("counted_arrival_push_spikes")
    arrivals = [k for k, code in enumerate(fast) if "_arrival" in code]
    assert len(arrivals) == 14 and max(arrivals) < fast.index("cells_spike_resetter_codeobject")


def test_generated_thresholder_holds_the_condition_that_the_driver_tests(program):
    generated = (program.directory / "code_objects/cells_spike_thresholder_codeobject.cpp").read_text()
    ours = (program.directory / "neurosim_driver.cpp").read_text()
    assert models.cell_threshold() == "v > V_peak"
    assert "_cond = v > V_peak;" in generated
    assert "any |= (v + d_v) > (float)p_V_peak[k];" in ours and "if (p_v[k] > p_V_peak[k])" in ours
    written = re.search(r"(\w+)\[_count\+\+\] = _idx;", generated).group(1)
    assert ours.count(f"{written.removeprefix('_ptr')}[n_cells] = fired[row].size();") == 1
    assert re.search(rf"{written}\[N\] = _count;", generated)


def written_by(program, code):
    """Variables of the cells that a code object writes."""
    generated = (program.directory / f"code_objects/{code}_codeobject.cpp").read_text()
    return set(re.findall(r"_ptr_array_cells_(\w+)\[_idx\] = \w+;", generated))


def test_our_steps_write_what_the_generated_ones_write(program):
    ours = (program.directory / "neurosim_driver.cpp").read_text()

    def body(function):
        start = ours.index(f"void {function}(")
        return ours[start : ours.index("\n}\n", start)]

    fast = body("fast_steps_of")
    integrated = set(re.findall(r"p_(\w+)\[k\] \+= d_\1;", fast)) | set(re.findall(r"\((\w+) \+ d_\1\) \+ p_arrivals", fast))
    assert integrated == written_by(program, "cells_stateupdater")
    assert set(re.findall(r"p_(\w+)\[k\] \+?= ", body("reset_of"))) == written_by(program, "cells_spike_resetter")
    kept = set(re.findall(r"p_(\w+)\[k\] = \1;", body("slow_step_of")))
    slow = written_by(program, "cells_step")
    # not kept: what nothing but the step itself reads
    assert kept <= slow and slow - kept <= {f"g_{kind}" for kind in STRUCTURE.slow_kinds}


def test_nothing_of_the_fast_clock_is_left_out(program, order):
    ours = (program.directory / "neurosim_driver.cpp").read_text()
    for clock, code in order:
        if clock == "fast_clock":
            assert f"_run_{code}" in ours or code.endswith("_push_spikes"), code


def test_program_uses_our_pathways_and_calls_nothing_that_they_lack(program):
    assert '#include "synapses_classes.h"' in (program.directory / "objects.h").read_text()
    assert (program.directory / PATHWAY_FILE).read_text() == PATHWAY_SOURCE
    called = {
        name
        for source in program.directory.glob("**/*.cpp")
        for name in re.findall(r"\b(?!outfile_)\w+_arrival\.(\w+)", source.read_text())
    }
    # Brian2 2.11 adds a function that saves queues to files
    assert called - {"queue"} == {"prepare", "sources", "advance", "push", "peek"}


def test_program_makes_room_in_all_that_brian2_makes_as_long_as_there_are_synapses(program):
    ours = (program.directory / "neurosim_driver.cpp").read_text()
    load = ours[ours.index("void neurosim_load()") : ours.index("read_plan(false)", ours.index("void neurosim_load()"))]
    plan, n_arrays = tiny_plan(), 0
    for name, (i, _) in connections(plan).items():
        generated = f"code_objects/{name}_synapses_create_array_codeobject.cpp"
        arrays = re.findall(r"(\w+)\.resize\(newsize\);", (program.directory / generated).read_text())
        assert {f"_dynamic_array_{name}__synaptic_pre", f"_dynamic_array_{name}__synaptic_post"} <= set(arrays)
        assert all(f" {array}.resize({i.size});" in load for array in arrays)
        assert f"_array_{name}_N[0] = {i.size};" in load
        n_arrays += len(arrays)
    assert load.count(".resize(") == n_arrays


def test_sources_can_be_compiled_together_and_what_no_step_runs_is_not_optimised(program, order):
    roles = json.loads((program.directory / "program.json").read_text())["sources"]
    assert all(joinable(source, (program.directory / source).read_text()) for source in roles)
    replaced = {"cells_stateupdater_codeobject", "cells_spike_thresholder_codeobject", "cells_spike_resetter_codeobject"}
    replaced |= {"cells_step_codeobject", "cells_gates_codeobject"}
    replaced |= {code for _, code in order if code.endswith("_push_spikes")}
    for _, code in order:
        role = "once" if code in replaced else "cells" if code == "cells_stimuli_codeobject" else "steps"
        assert roles.pop(f"code_objects/{code}.cpp") == role
    assert roles.pop("neurosim_driver.cpp") == "cells"
    assert set(roles.values()) == {"once"}


@pytest.mark.parametrize("function", _NEVER_CALLED["objects.cpp"])
def test_functions_that_are_emptied_are_called_by_nobody_before_the_program_ends(program, main_cpp, function):
    objects = (program.directory / "objects.cpp").read_text()
    assert without_bodies(objects, [function]).count("std::abort();") == 1
    # only where a result folder is written, after our own end, and for settings from the command line, which has none
    callers = [path.name for path in program.directory.glob("**/*.cpp") if f"{function}(" in path.read_text()]
    assert set(callers) <= {"objects.cpp", "run.cpp", "main.cpp"}
    assert function not in main_cpp or function == "set_variable_by_name"


def test_program_knows_every_value_of_a_plan_in_the_expected_type(program):
    plan = tiny_plan()
    for name, value in values(plan).items():
        dtype, n = program.inputs[name]
        single = name.removeprefix("cells.") in SINGLES
        assert dtype == {"f": "<f4" if single else "<f8", "i": dtype}.get(value.dtype.kind)
        assert n in (0, value.size), name
    for name in connections(plan):
        assert program.inputs[f"{name}.pre"] == program.inputs[f"{name}.post"] == ("<i4", 0)
    assert program.inputs["cells.noise_key"] == program.inputs["cells.key_0"] == ("<i8", 1)


def test_every_array_starts_at_zero_unless_the_plan_sets_it(program):
    # What a plan does not name keeps the value that Brian2 gives it: all of that has to be 0.
    plan = tiny_plan()
    unset = (
        set(program.inputs)
        - set(values(plan))
        - {f"{g}.{e}" for g in connections(plan) for e in ("pre", "post")}
    )
    objects = (program.directory / "objects.cpp").read_text()
    for name in unset:
        group, variable = name.split(".", 1)
        for array in (f"_array_{group}_{variable}", f"_dynamic_array_{group}_{variable}"):
            filled = re.findall(rf"\b{array}\[i\] = (.*);", objects)
            assert all(text == "0" for text in filled), name


def test_structure_survives_the_way_to_the_building_process():
    from dataclasses import asdict

    assert structure_from_json(json.dumps(asdict(STRUCTURE))) == STRUCTURE

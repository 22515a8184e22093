"""What a run costs, counted: objects, imports, files and reads. Times differ from machine to machine, counts do not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim.analysis import open_results
from neurosim.build import structure
from neurosim.cli.showing import results_table
from neurosim.engines import cache, compiler
from neurosim.engines.network import CLOCKS
from neurosim.runner import Listener, run_experiment
from neurosim.spec import load_experiment, resolve

#: One experiment of each shipped circuit that spikes.
CIRCUITS = {"midbrain_raphe": "acute_escitalopram", "da_5ht_brain": "monoamine_lesions"}
#: What is slow to import, and no process that only runs trials needs: it would be paid for by every worker.
HEAVY = ("brian2", "xarray", "pandas", "matplotlib", "pint", "scipy", "dask", "jinja2", "typer")


def structure_of(experiment):
    experiment = load_experiment(experiment)
    return structure(resolve(experiment, next(iter(experiment.arms)), {}))


def imported_by(code: str) -> set[str]:
    """Top-level packages that a fresh process has imported after some code."""
    code += "\nimport sys; print(*{part for name in sys.modules for part in (name, name.split('.')[0])})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


@pytest.mark.parametrize("experiment", CIRCUITS.values(), ids=CIRCUITS)
def test_synapses_are_grouped_by_kind_and_not_by_projection(experiment):
    s = structure_of(experiment)
    n_projections = len(load_experiment(experiment).circuit.projections)
    kinds = (*s.fast_kinds, *s.slow_kinds)
    # every kind with and without plasticity, and a gated projection for itself
    assert len(s.synapses) <= 2 * len(kinds) + s.n_gates < n_projections
    ungated = [(group.kind, group.plastic) for group in s.synapses if group.gate < 0]
    assert len(set(ungated)) == len(ungated)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The generated sources of the smaller circuit, not compiled."""
    if cache.compiler_here() is None:
        pytest.skip("sources are generated for a compiler")
    folder = tmp_path_factory.mktemp("sources")
    s = structure_of(CIRCUITS["midbrain_raphe"])
    return s, folder, cache._generate(s, folder)


def scheduled(folder: Path) -> list[str]:
    """Clock and code object of everything that the network runs in a step."""
    return re.findall(r"neurosim_network\.add\(&(\w+), (\w+)\)", (folder / "main.cpp").read_text())


def test_code_objects_of_a_step(sources):
    s, folder, _ = sources
    clocks = [clock for clock, _ in scheduled(folder)]
    # state, threshold, record, reset; each kind of synapse and the counting of spikes take what comes and hand it out
    assert 0 < clocks.count("fast_clock") <= 4 + 2 * (len(s.synapses) + 1)
    # two recorders, seven steps of modulators, five of gates and links, stimuli, cells
    assert 0 < clocks.count("slow_clock") <= 16
    assert set(clocks) == set(CLOCKS)


def test_compiler_calls_of_a_program(sources, monkeypatch):
    _, folder, roles = sources
    calls = []
    monkeypatch.setattr(compiler, "_run", lambda command, directory: calls.append(command))
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
    compiler.compile_program(folder, roles, cache.compiler_here())
    # loops over cells, the other steps, all that runs once; linking
    assert len(calls) == 4 and sum("-c" in command for command in calls) == 3


#: A run from its command up to where its trials would begin; no program is made.
BEFORE_TRIALS = """
import sys
import neurosim.cli.app, neurosim.cli.running, neurosim.runner, neurosim.runner.work as work
work.ready = lambda *given: object()
work.simulate_pending = lambda *given: sys.exit(print(*{name.split('.')[0] for name in sys.modules}))
neurosim.runner.run_experiment("acute_escitalopram", workers=1, output=sys.argv[1])
"""
#: What is there when the process that makes workers begins.
AT_THE_NURSERY = """
import sys
import neurosim.cli.running, neurosim.runner
run = neurosim.runner.run_experiment
run.__globals__["nursery_of"] = lambda place: sys.exit(print(*sys.modules))
run("acute_escitalopram")
"""
#: A whole trial without drugs as a worker runs it, on an engine that simulates nothing.
ONE_TRIAL = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import fake_engine, pathlib, neurosim.schedulers.worker
from neurosim.runner.execute import Job, execute
from neurosim.runner.trials import expand, source_digest
from neurosim.spec import load_experiment
import neurosim.engines
neurosim.engines.get_engine = lambda name: fake_engine.FakeEngine()
trial = expand(load_experiment("acute_escitalopram"), "numpy").trials[0]
done = execute(Job(trial, pathlib.Path(sys.argv[1]), "numpy", {{"source_digest": source_digest()}}), lambda part: None)
assert done.outcome == "ok" and not done.cannot_write, done
"""


def test_what_a_run_does_not_import_before_its_trials(tmp_path):
    code = BEFORE_TRIALS.replace("sys.argv[1]", repr(str(tmp_path / "out")))
    imported = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    # nor ruamel: what ships is read and written without it
    assert {"numpy", "neurosim"} < imported
    assert not {*HEAVY, "ruamel", "netCDF4", "h5py"} - {"typer"} & imported
    # nor what plans trials: workers do that
    assert not {f"neurosim.build.{name}" for name in ("slow", "phases", "chemistry", "checks", "drawn")} & imported


def test_workers_are_made_ready_before_the_run_itself_is_imported():
    answer = subprocess.run([sys.executable, "-c", AT_THE_NURSERY], capture_output=True, text=True, check=True)
    imported = set(answer.stdout.split())
    assert "neurosim.runner.place" in imported
    assert not {"numpy", "pydantic", "h5py", "neurosim.runner.work", "neurosim.spec._model"} & imported


def test_what_a_worker_does_not_import(tmp_path):
    (tmp_path / "trials").mkdir()
    code = ONE_TRIAL.replace("sys.argv[1]", repr(str(tmp_path)))
    # without drugs SciPy only finds the rest of the pools
    assert not set(HEAVY) - {"scipy"} & imported_by(code)


@pytest.fixture
def reads(monkeypatch):
    """Paths whose bytes were all read, as often as they were."""
    from neurosim.recording import files

    found, holds = [], files._seal_holds

    def counted(path):
        held = holds(path)
        found.append(path.name)
        return held

    monkeypatch.setattr(files, "_seal_holds", counted)
    return found


def test_files_and_reads_of_a_run(tiny, fake_engine, plain_figure, reads):
    report = run_experiment("tiny_experiment", workers=1, output="out")
    results_table(report.results)
    trials = {path.name for path in Path("out/trials").iterdir()}
    assert len(trials) == report.total and all(name.endswith(".h5") for name in trials)
    assert {path.name for path in Path("out").iterdir()} == {
        "trials",
        "plan.json",
        "summary.h5",
        "overview.png",
        ".run.lock",
    }
    # figure and table are made of the summary that was just made
    assert sorted(reads) == sorted(trials)
    reads.clear()
    run_experiment("tiny_experiment", workers=1, output="out")
    assert set(reads) == {"summary.h5"} and len(reads) <= 4


def test_trials_are_read_as_they_end_and_not_when_all_have(tiny, fake_engine, plain_figure, reads):
    class Reads(Listener):
        before = []

        def ended(self, trial, ended):
            self.before.append(len(reads))

    report = run_experiment("tiny_experiment", workers=1, output="out", progress=Reads())
    assert Reads.before == list(range(report.total))


def test_making_figure_and_table_imports_nothing_that_was_not_loaded_while_trials_ran(tiny):
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import fake_engine, pytest
from neurosim.cli.showing import results_table
from neurosim.runner import products
fake_engine.install(pytest.MonkeyPatch())
from neurosim.runner import run_experiment, work
make = work.make_products
def counted(*args):
    products._load()
    before = set(sys.modules)
    results = make(*args)
    results_table(results)
    print("more:", *(set(sys.modules) - before))
    return results
work.make_products = counted
run_experiment("tiny_experiment", workers=1)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    word, *more = answer.stdout.splitlines()[-1].split()
    # Pillow looks for its formats when it first writes one, h5py and xarray have a file each for something rare
    assert word == "more:" and len(more) < 10 and not [name for name in more if name.startswith("neurosim")], more


def test_the_interpreter_does_not_take_its_memory_apart_at_the_end_of_a_command():
    code = """
import sys
from neurosim.cli import main
class Told:
    def __del__(self):
        print("taken apart")
kept, sys.argv = Told(), ["neurosim", "--version"]
main()
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("neurosim ") and "taken apart" not in answer.stdout


def test_opening_results_reads_the_summary_once_and_a_trial_when_it_is_asked_for(tiny, fake_engine, plain_figure, reads):
    run_experiment("tiny_experiment", workers=1, output="out")
    reads.clear()
    results = open_results("out")
    assert reads == ["summary.h5"]
    results.trial(results.arms[0])
    results.spikes(results.arms[0])
    assert len(reads) == 3

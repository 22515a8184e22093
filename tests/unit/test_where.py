"""Where trials go: options that go together, workers that fit into memory, what a SLURM job is asked for."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim import cli
from neurosim.errors import EngineError, SpecError
from neurosim.runner import estimate, place, where
from neurosim.runner.place import Place, place_of
from neurosim.runner.where import scheduler_of, slurm_request, workers_that_fit
from neurosim.schedulers import Dask, Local, Request, Slurm
from neurosim.schedulers import slurm as slurm_module

GIGABYTE = 1e9


def need(time=60.0, memory=0.5 * GIGABYTE):
    return estimate.Estimate(time=time, size=1e6, simulated=10.0, memory=memory)


@pytest.fixture
def cluster_file(tmp_path, monkeypatch):
    def write(text):
        (tmp_path / "cluster.yaml").write_text(text, encoding="utf-8")
        monkeypatch.setenv("NEUROSIM_CLUSTER", str(tmp_path / "cluster.yaml"))

    write("slurm: {}\n")
    return write


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("slrum",), "unknown cluster 'slrum'; did you mean 'slurm'?"),
        (("slurm:tcp://x",), "only dask takes an address"),
        (("dask", ["--qos=x"]), "--sbatch-arg goes with --cluster slurm"),
        ((None, ["--qos=x"]), "--sbatch-arg goes with --cluster slurm"),
        ((None, (), None, True), "--detach goes with --cluster slurm"),
        (("slurm", (), 4), "--workers is of this machine; --cluster slurm says elsewhere"),
        ((None, (), 0), "workers: 0 was given; allowed: 1 or more"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, words):
    with pytest.raises(SpecError) as error:
        place_of(*options)
    assert words in str(error.value)


def test_each_place_has_its_scheduler(tmp_path, cluster_file):
    kinds = {None: Local, "slurm": Slurm, "dask:tcp://10.0.0.1:8786": Dask}
    for cluster, kind in kinds.items():
        assert type(scheduler_of(place_of(cluster), [need()], tmp_path, "x")) is kind


@pytest.mark.skipif(sys.platform != "linux", reason="processes are not forked on this system")
def test_what_makes_workers_begins_before_the_place_is_known_and_is_taken_once(monkeypatch):
    monkeypatch.setattr(place, "_MODULES", ("json",))
    monkeypatch.setattr(place, "cpu_count", lambda: 2)
    with place.early_nursery():
        (begun,) = place._BEGUN
        with place.nursery_of(Place()) as taken, place.nursery_of(Place()) as another:
            assert taken is begun and another is not begun
        assert not place._BEGUN and begun.process.returncode is not None


@pytest.mark.skipif(sys.platform != "linux", reason="processes are not forked on this system")
@pytest.mark.parametrize("elsewhere", [Place(cluster="slurm"), Place(workers=1), None])
def test_what_nobody_takes_is_ended(monkeypatch, elsewhere):
    monkeypatch.setattr(place, "_MODULES", ("json",))
    monkeypatch.setattr(place, "cpu_count", lambda: 2)
    with place.early_nursery():
        (begun,) = place._BEGUN
        if elsewhere is not None:
            with place.nursery_of(elsewhere) as none:
                assert none is None and begun.process.returncode is not None
    assert not place._BEGUN and begun.process.returncode is not None


def test_on_one_processor_nothing_is_begun(monkeypatch):
    monkeypatch.setattr(place, "cpu_count", lambda: 1)
    with place.early_nursery():
        assert not place._BEGUN


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        ("run x", True),
        ("run x --output here --set subjects=2", True),
        ("run x --workers 4", False),
        ("run x --workers=4", False),
        ("run x --cluster slurm", False),
        ("run x --dry-run", False),
        ("run --help", False),
        ("check x", False),
        ("", False),
    ],
)
def test_workers_are_begun_for_a_run_that_says_nothing_against_them(monkeypatch, words, begins):
    begun = []
    monkeypatch.setattr(place, "early_nursery", lambda: begun.append(1) or contextlib.nullcontext())
    monkeypatch.setattr(cli, "_status", lambda arguments: 0)
    with pytest.raises(SystemExit):
        cli.main(words.split())
    assert bool(begun) == begins


def test_workers_are_as_many_as_memory_allows(monkeypatch):
    said = []
    monkeypatch.setattr(where, "cpu_count", lambda: 8)
    monkeypatch.setattr(where, "free_memory", lambda: 4 * GIGABYTE)
    assert workers_that_fit(None, [need(memory=GIGABYTE)], said.append) == 3, "four fifths of what is free"
    assert said == ["3 workers instead of 8: each needs about 1 GB and 4 GB of memory are free"]
    assert workers_that_fit(None, [need(memory=0.1 * GIGABYTE)]) == 8
    assert workers_that_fit(None, [need(memory=100 * GIGABYTE)]) == 1, "one is tried all the same"
    assert workers_that_fit(6, [need(memory=GIGABYTE)], said.append) == 6, "who asks is given"
    assert said[-1].startswith("warning: 6 workers may not fit into memory") and said[-1].endswith("--workers 3 would")


def test_a_request_is_what_the_site_says_and_else_what_trials_need(cluster_file):
    plain = slurm_request(Place("slurm"), [need(60.0), need(120.0)], "x")
    assert (plain.seconds, plain.memory, plain.limit, plain.tasks_per_share) == (90.0, "1000M", None, None)
    assert plain.environment["NEUROSIM_CACHE"].startswith("${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/neurosim-")
    assert slurm_request(Place("slurm"), [need(memory=2 * GIGABYTE)], "x").memory == "3000M"
    cluster_file("slurm: {time: 2 h, memory: 4 GB, trials_per_task: 5, arguments: [--qos=a], partition: long}\n")
    site = slurm_request(Place("slurm", sbatch_args=("--qos=b",)), [need()], "x")
    assert (site.limit, site.memory, site.tasks_per_share, site.partition) == (7200.0, "4 GB", 5, "long")
    assert site.arguments == ("--qos=a", "--qos=b"), "the one of the command comes last and wins"


def script(n, largest=1001, **request):
    slurm_module_answer = subprocess.CompletedProcess([], 0, f"MaxArraySize            = {largest}\n", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm_module, "_slurm", lambda *command: slurm_module_answer)
        return Slurm(Path("/shared/x/slurm"), Request("neurosim-x", **request)).script(n)


def option(text, name):
    return next((line.partition("=")[2] for line in text.splitlines() if line.startswith(f"#SBATCH --{name}=")), None)


def test_array_tasks_take_about_ten_minutes_and_their_limit_is_three_times_that():
    text = script(1000, seconds=60.0)
    assert option(text, "array") == "0-99", "ten trials of a minute each"
    assert option(text, "time") == "30"
    assert option(text, "signal") == "B:USR1@60"
    assert option(text, "mem") is None, "the site's own"
    assert "#SBATCH --requeue" in text


def test_an_array_never_exceeds_what_the_site_allows():
    text = script(10_000, largest=500, seconds=600.0)
    assert option(text, "array") == "0-499"
    assert "up to 20 in each of 500 array tasks" in text
    assert option(text, "time") == "600"


def test_what_the_site_says_is_in_the_script():
    text = script(
        20,
        seconds=1.0,
        memory="4 GB",
        limit=60.0,
        tasks_per_share=5,
        at_once=2,
        partition="long",
        account="a1",
        arguments=("--qos=b",),
        setup=("module load gcc",),
        environment={"NEUROSIM_CACHE": "$TMPDIR/x"},
    )
    wanted = {"array": "0-3%2", "time": "1", "signal": "B:USR1@15", "mem": "4G", "partition": "long", "account": "a1"}
    assert {name: option(text, name) for name in wanted} == wanted
    assert text.index("module load gcc") < text.index('export NEUROSIM_CACHE="$TMPDIR/x"') < text.index("exec ")
    assert "# sbatch --qos=b /shared/x/slurm/DATE/script.sh" in text


def test_without_slurm_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    from neurosim.schedulers import Task

    with pytest.raises(EngineError, match="there is no SLURM here: the command sbatch is not found; allowed: a login node"):
        list(Slurm(tmp_path, Request("x")).run([Task("a")], print))


def test_a_job_that_slurm_refuses_leaves_its_script(tmp_path, monkeypatch):
    from neurosim.schedulers import Task

    answer = subprocess.CompletedProcess([], 1, "", "sbatch: error: Invalid account\n")
    monkeypatch.setattr(slurm_module, "_slurm", lambda *command: answer)
    with pytest.raises(EngineError, match="SLURM did not take the job: sbatch: error: Invalid account; the batch"):
        list(Slurm(tmp_path, Request("x")).run([Task("a")], len))
    assert len(list(tmp_path.glob("*/script.sh"))) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slurm: {partitoin: x}\n", "cluster.yaml:1: slurm.partitoin: unknown key 'partitoin'; did you mean 'partition'?"),
        ("slurm: {time: 5 mV}\n", "slurm.time: '5 mV' is a voltage; needs a time"),
        ("slurm: {memory: lots}\n", "slurm.memory"),
        ("dask: {jobs: 2}\n", "has neither address nor system; allowed: exactly one of them"),
        ("dask: {system: PSB}\n", "unknown value 'PSB'; did you mean 'PBS'?"),
        ("schema: neurosim-cluster/2\n", "neurosim-cluster/1"),
    ],
)
def test_mistakes_in_the_site_s_file_are_answered_with_their_line(tmp_path, cluster_file, text, words):
    cluster_file(text)
    with pytest.raises(SpecError) as error:
        scheduler_of(Place("slurm"), [need()], tmp_path, "x")
    assert words in str(error.value)
    assert "cluster.yaml:1" in str(error.value)


def test_dask_says_what_it_lacks(cluster_file, tmp_path, monkeypatch):
    from neurosim.schedulers import Task

    monkeypatch.setattr("neurosim.schedulers.dask._CONNECT", "1 s")
    with pytest.raises(EngineError, match="--cluster dask: which cluster"):
        list(scheduler_of(place_of("dask"), [need()], tmp_path, "x").run([Task("a")], len))
    with pytest.raises(EngineError, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        list(Dask("tcp://127.0.0.1:9").run([Task("a")], len))


def test_options_of_dask_are_numbers_truths_and_texts(cluster_file):
    from neurosim.spec import load_cluster

    cluster_file("dask: {system: PBS, options: {cores: 4, memory: 8GB, nanny: true, extra: [a, 1]}}\n")
    assert load_cluster().dask.options == {"cores": 4, "memory": "8GB", "nanny": True, "extra": ["a", 1]}

"""What every scheduler promises: each task once, one outcome each, trouble is an outcome and stops no other."""

import os
from contextlib import closing
from pathlib import Path

import pytest
import tasks
from one_node import OneNode, missing
from tasks import alive, wait_until

from neurosim.schedulers import Dask, Local, Request, Slurm, Task, nursery

SCHEDULERS = ["here", "two workers", "one worker apart", "two copies", "dask", pytest.param("slurm", marks=pytest.mark.slow)]
#: Those whose tasks run apart from the scheduler, so that one may die.
APART = SCHEDULERS[1:]


@pytest.fixture(scope="session")
def dask_address():
    """A Dask cluster of two worker processes on this machine."""
    import logging

    from distributed import LocalCluster

    options = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    # the workers look for the tests' callables where this process does
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    before, os.environ["PYTHONPATH"] = os.environ.get("PYTHONPATH"), os.pathsep.join(paths)
    try:
        with LocalCluster(processes=True, n_workers=2, threads_per_worker=1, **options) as cluster:
            yield cluster.scheduler_address
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="module")
def slurm_node(tmp_path_factory):
    why = missing()
    if why:
        pytest.skip(why)
    with OneNode(tmp_path_factory.mktemp("slurm")) as node:
        yield node


@pytest.fixture(scope="module")
def a_nursery():
    made = nursery(["tasks"])
    if made is None:
        pytest.skip("processes are not forked on this system")
    with made:
        yield made


@pytest.fixture
def scheduler(request, tmp_path):
    kind = request.param
    if kind == "dask":
        return Dask(request.getfixturevalue("dask_address"), seconds=60.0)
    if kind == "slurm":
        request.getfixturevalue("slurm_node")
        return Slurm(tmp_path / "jobs", Request("contract", tasks_per_share=2, memory="500M", limit=600.0))
    if kind == "two copies":
        return Local(2, nursery=request.getfixturevalue("a_nursery"))
    return {"here": Local(1), "two workers": Local(2), "one worker apart": Local(1, apart=True)}[kind]


def run(scheduler, folder, *plan, rescue=None):
    """Outcomes by key of tasks that behave as told; ``plan`` holds (key, how) or (key, how, limit)."""
    given = [Task(key, (str(folder), key, how), *limit) for key, how, *limit in plan]
    outcomes = list(scheduler.run(given, tasks.behave, None, rescue))
    assert sorted(o.key for o in outcomes) == sorted(task.key for task in given), "one outcome each"
    return {o.key: o for o in outcomes}


def calls(folder):
    return {path.stem: path.read_text() for path in folder.glob("*.calls")}


@pytest.mark.parametrize("scheduler", SCHEDULERS, indirect=True)
def test_each_task_runs_once_and_has_one_outcome(scheduler, tmp_path):
    names = [f"t{k}" for k in range(7)]
    outcomes = run(scheduler, tmp_path, *((name, "") for name in names))
    assert {o.key: (o.status, o.value) for o in outcomes.values()} == {n: ("done", n) for n in names}
    assert calls(tmp_path) == dict.fromkeys(names, "x")


@pytest.mark.parametrize("scheduler", SCHEDULERS, indirect=True)
def test_a_task_that_raises_is_an_outcome_with_its_traceback_and_is_rescued(scheduler, tmp_path):
    outcomes = run(scheduler, tmp_path, ("bad", "raise"), ("a", ""), ("b", ""), rescue=tasks.rescue)
    bad = outcomes["bad"]
    assert (bad.status, bad.message) == ("raised", "ValueError: as told")
    assert "tasks.py" in bad.detail
    assert bad.value == "rescued bad: raised"
    assert [(outcomes[k].status, outcomes[k].value) for k in "ab"] == [("done", "a"), ("done", "b")]


@pytest.mark.parametrize("scheduler", APART, indirect=True)
@pytest.mark.parametrize(("how", "words"), [("die", "ended with status 3"), ("kill", "was killed by SIGKILL")])
def test_a_worker_that_dies_takes_only_its_task_with_it(scheduler, tmp_path, how, words):
    outcomes = run(scheduler, tmp_path, ("bad", how), *((f"t{k}", "") for k in range(4)), rescue=tasks.rescue)
    assert outcomes["bad"].status == "died"
    assert words in outcomes["bad"].message
    assert outcomes["bad"].value == "rescued bad: died"
    assert all(outcomes[f"t{k}"].status == "done" for k in range(4))
    assert calls(tmp_path) == dict.fromkeys(["bad", "t0", "t1", "t2", "t3"], "x")


@pytest.mark.parametrize("scheduler", APART, indirect=True)
def test_a_task_beyond_its_limit_is_ended_with_its_children(scheduler, tmp_path):
    outcomes = run(scheduler, tmp_path, ("slow", "hang", 3.0), ("a", ""))
    assert (outcomes["slow"].status, outcomes["a"].status) == ("timeout", "done")
    assert gone(tmp_path / "slow.pid")


@pytest.mark.parametrize("scheduler", [kind for kind in APART if kind != "one worker apart"], indirect=True)
def test_closing_the_iterator_ends_what_was_started(scheduler, tmp_path):
    given = [Task("a", (str(tmp_path), "a", "")), Task("slow", (str(tmp_path), "slow", "hang"))]
    with closing(scheduler.run(given, tasks.behave)) as outcomes:
        assert next(outcomes).key == "a"
        assert wait_until(lambda: (tmp_path / "slow.pid").exists())
    assert gone(tmp_path / "slow.pid")


def gone(path):
    """Whether the processes that wrote a file of their numbers have ended."""
    return wait_until(lambda: not any(alive(int(pid)) for pid in path.read_text().split()))

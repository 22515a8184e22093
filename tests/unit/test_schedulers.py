"""A scheduler calls each task once; what goes wrong in one is its outcome and stops no other."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import tasks

from neurosim.schedulers import Local, Task

TESTS = Path(__file__).parents[1]


def alive(pid):
    """Whether a process runs; one that ended but was not collected yet does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_until(condition, seconds=30):
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_each_task_runs_once_and_has_one_outcome(tmp_path, workers):
    names = [f"t{k}" for k in range(7)]
    outcomes = list(Local(workers).run([Task(n, (str(tmp_path), n, "")) for n in names], tasks.behave))
    assert sorted(o.key for o in outcomes) == names
    assert {o.status for o in outcomes} == {"done"}
    assert {o.key: o.value for o in outcomes} == {n: n for n in names}
    assert {p.stem: p.read_text() for p in tmp_path.glob("*.calls")} == dict.fromkeys(names, "x")


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_names_its_task(workers):
    told = []
    list(Local(workers).run([Task("a", 3)], tasks.square, lambda key, part: told.append((key, part))))
    assert told == [("a", 0.5)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_task_that_raises_is_an_outcome_with_its_traceback(tmp_path, workers):
    given = [Task(k, (str(tmp_path), k, how)) for k, how in [("bad", "raise"), ("a", ""), ("b", "")]]
    outcomes = {o.key: o for o in Local(workers).run(given, tasks.behave)}
    assert outcomes["bad"].status == "raised"
    assert outcomes["bad"].message == "ValueError: as told"
    assert "tasks.py" in outcomes["bad"].detail
    assert [outcomes[k].status for k in "ab"] == ["done", "done"]


@pytest.mark.parametrize(
    ("how", "words"), [("die", "ended with status 3"), ("kill", "was killed by SIGKILL")]
)
def test_a_worker_that_dies_takes_only_its_task_with_it(tmp_path, how, words):
    given = [Task(k, (str(tmp_path), k, h)) for k, h in [("bad", how), *((f"t{k}", "") for k in range(4))]]
    outcomes = {o.key: o for o in Local(2).run(given, tasks.behave)}
    assert outcomes["bad"].status == "died"
    assert words in outcomes["bad"].message
    assert all(outcomes[f"t{k}"].status == "done" for k in range(4))
    if how == "die":
        assert "last words" in outcomes["bad"].detail


def test_a_task_beyond_its_limit_is_ended_with_its_children(tmp_path):
    given = [Task("slow", (str(tmp_path), "slow", "hang"), limit=3.0), Task("a", (str(tmp_path), "a", ""))]
    outcomes = {o.key: o for o in Local(2).run(given, tasks.behave)}
    assert outcomes["slow"].status == "timeout"
    assert outcomes["a"].status == "done"
    pids = [int(p) for p in (tmp_path / "slow.pid").read_text().split()]
    assert wait_until(lambda: not any(alive(p) for p in pids))


def test_closing_the_iterator_ends_workers_and_their_children(tmp_path):
    given = [Task("a", (str(tmp_path), "a", "")), Task("slow", (str(tmp_path), "slow", "hang"))]
    with closing(Local(2).run(given, tasks.behave)) as outcomes:
        assert next(outcomes).key == "a"
        assert wait_until(lambda: (tmp_path / "slow.pid").exists())
    pids = [int(p) for p in (tmp_path / "slow.pid").read_text().split()]
    assert wait_until(lambda: not any(alive(p) for p in pids))


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
        "import tasks\n"
        "from neurosim.schedulers import Local, Task\n"
        f"list(Local(2).run([Task(k, ({str(tmp_path)!r}, k, 'hang')) for k in 'ab'], tasks.behave))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        files = [tmp_path / "a.pid", tmp_path / "b.pid"]
        assert wait_until(lambda: all(f.exists() and f.read_text() for f in files))
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    pids = [int(p) for f in files for p in f.read_text().split()]
    assert wait_until(lambda: not any(alive(p) for p in pids))


def test_a_scheduler_needs_a_worker():
    with pytest.raises(ValueError, match="allowed: 1 or more"):
        Local(0)

"""What is particular to one scheduler; what all promise is in tests/contract/test_schedulers.py."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import tasks
from tasks import alive, wait_until

from neurosim.schedulers import Local, Task, nursery
from neurosim.schedulers.wire import Receiver, Sender

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_names_its_task(workers):
    told = []
    list(Local(workers).run([Task("a", 3)], tasks.square, lambda key, part: told.append((key, part))))
    assert told == [("a", 0.5)]


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are not forked on this system")


@on_linux
def test_a_nursery_that_cannot_import_or_died_is_done_without():
    with nursery(["no_such_module"]) as never, nursery(["tasks"]) as killed:
        killed.process.kill()
        for one in (never, killed):
            one.process.wait()
            outcomes = list(Local(2, nursery=one).run([Task("a", 3), Task("b", 4)], tasks.square))
            assert {o.key: (o.status, o.value) for o in outcomes} == {"a": ("done", 9), "b": ("done", 16)}


@on_linux
def test_a_worker_outlives_its_nursery_and_ends_with_its_task_list(tmp_path):
    with nursery(["tasks"]) as made:
        outcomes = Local(1, apart=True, nursery=made).run([Task("a", 3), Task("b", 4)], tasks.square)
        first = next(outcomes)
        made.process.kill()
        made.process.wait()
        assert [first.value, *(o.value for o in outcomes)] == [9, 16]


@on_linux
def test_copies_begin_with_what_the_nursery_imported_and_compute_on_one_thread():
    with nursery(["tasks", "xml.sax.expatreader"]) as made:
        (outcome,) = Local(1, apart=True, nursery=made).run([Task("a", "xml.sax.expatreader")], tasks.surroundings)
    assert outcome.value == (True, "1", True)


def test_no_worker_waits_for_what_is_done_with_an_outcome(tmp_path):
    outcomes = Local(1, apart=True).run([Task(k, (str(tmp_path), k, "")) for k in "ab"], tasks.behave)
    assert next(outcomes).key == "a"
    assert wait_until((tmp_path / "b.calls").exists)
    assert [outcome.key for outcome in outcomes] == ["b"]


def test_a_worker_ends_when_nothing_is_left_for_it():
    with closing(Local(2).run([Task("slow", 600), Task("quick", 0)], tasks.process)) as outcomes:
        quick = next(outcomes)
        assert quick.key == "quick" and not alive(quick.value)


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


def test_what_tasks_share_crosses_once_and_arrives_as_it_was():
    shared = {"numbers": list(range(5000))}
    sender, receiver = Sender(), Receiver()
    sizes = []
    for k in range(150):
        packed = sender.pack((k, shared))
        sizes.append(len(packed[1]))
        assert receiver.unpack(packed) == (k, shared)
    assert sum(size > 1000 for size in sizes) == 5, "once, and again each time both ends forget"


def test_a_task_that_cannot_be_packed_or_unpacked_stops_no_other():
    shared = list(range(1000))
    given = [Task("a", (1, shared)), Task("bad", tasks.Unpackable()), *(Task(f"t{k}", (k, shared)) for k in range(3))]
    outcomes = {o.key: o for o in Local(1, apart=True).run(given, tasks.first)}
    statuses = {key: o.status for key, o in outcomes.items()}
    assert statuses == {"a": "done", "bad": "raised", "t0": "done", "t1": "done", "t2": "done"}
    assert outcomes["bad"].message == "ValueError: cannot be unpacked"
    assert outcomes["t2"].value == 2

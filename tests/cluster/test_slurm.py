"""Two hundred trials on a real SLURM, with everything that goes wrong there: in the end each is there once, and the same."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from results_util import assert_same_results
from tasks import wait_until

pytestmark = pytest.mark.slow

EXPERIMENT = """
schema: neurosim-experiment/1
name: two_hundred
circuit: tiny
subjects: 4
seed: 3
protocol: {settle: 200 ms, spikes: false, trace_step: 1 s, phases: [{name: drug, record: 250 s}]}
arms:
  vehicle: {}
  ssri: {drugs: [{drug: escitalopram, concentration: 3 nM}]}
scan:
  dose: {path: arms.ssri.drugs.escitalopram.concentration, log: [0.1 nM, 100 nM, 49]}
"""
N_TRIALS = 200
RUN = [sys.executable, "-m", "neurosim", "run", "two_hundred.yaml"]


@pytest.fixture
def site(slurm, tiny, monkeypatch):
    """A user's folder with the experiment, and a site whose tasks hold a hundred trials."""
    (tiny / "two_hundred.yaml").write_text(EXPERIMENT, encoding="utf-8")
    (tiny / "cluster.yaml").write_text(
        f"slurm: {{time: 10 min, memory: 600M, trials_per_task: 100, local_disk: {tiny}}}\n", encoding="utf-8"
    )
    monkeypatch.setenv("NEUROSIM_CLUSTER", str(tiny / "cluster.yaml"))
    return tiny


def start(*options):
    """A run in the background; what it says goes to a file."""
    words = open(f"words-{time.monotonic_ns()}.txt", "w+")  # noqa: SIM115 (the process writes to it)
    process = subprocess.Popen([*RUN, *options], stdout=words, stderr=subprocess.STDOUT)
    process.words = Path(words.name)
    return process


def finish(process, seconds=900):
    process.wait(timeout=seconds)
    return process.returncode, process.words.read_text()


def n_files(folder="results/two_hundred"):
    return len(list(Path(folder, "trials").glob("*.h5")))


def squeue():
    return subprocess.run(["squeue", "-h", "-r", "-o", "%K %T"], capture_output=True, text=True, check=True).stdout


def workers_of(task):
    """Worker processes of one array task."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"schedulers.worker" in line and f"SLURM_ARRAY_TASK_ID={task}\0".encode() in environment:
                found.append(int(entry.name))
    return found


def test_two_hundred_trials_survive_what_a_cluster_does_to_them(slurm, site):
    # submitted, then a worker dies under its trial: that one fails, with the reason
    first = start("--cluster", "slurm")
    assert wait_until(lambda: n_files() >= 3 and workers_of(0), 120), first.words.read_text()
    os.kill(workers_of(0)[0], signal.SIGKILL)
    # the user leaves, the job goes on
    first.send_signal(signal.SIGINT)
    status, words = finish(first, 60)
    assert status == 130
    job = re.search(r"submitted SLURM job (\d+)", words)[1]
    assert f"SLURM job {job} goes on: the same command follows it again" in words
    # a run on this machine would do the same trials twice: it is refused
    refused = subprocess.run(RUN, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert f"SLURM job {job} (" in refused.stderr and f"'scancel {job}'" in refused.stderr
    # the user comes back; a task is cancelled, the controller goes away and comes back
    again = start("--cluster", "slurm")
    assert wait_until(lambda: "still works on" in again.words.read_text(), 60), again.words.read_text()
    subprocess.run(["scancel", f"{job}_1"], check=True)
    there = n_files()
    slurm.stop_controller()
    assert wait_until(lambda: n_files() >= there + 3, 60), "the tasks go on without their controller"
    # squeue itself tries for a while before it gives up
    assert wait_until(lambda: "SLURM gives no answer" in again.words.read_text(), 240), again.words.read_text()
    slurm.start_controller()
    assert wait_until(lambda: "SLURM answers again" in again.words.read_text(), 120)
    status, words = finish(again)
    assert status == 1
    assert "trials were lost on the way" in words and f"SLURM task {job}_1 ended without it (cancelled)" in words
    assert "was killed by SIGKILL" in words
    # once more, what is missing and what failed, in tasks of one minute: they hit it, are queued again and go on
    short = ("--sbatch-arg=--time=1", "--sbatch-arg=--signal=B:USR1@15")
    status, words = finish(start("--cluster", "slurm", "--retry-failed", *short))
    logs = "".join(path.read_text() for path in Path("results/two_hundred/slurm").glob("*/task-*.log"))
    assert re.search(r"time limit: asks for \d+_0 to run again", logs), logs
    assert status == 0, words
    command = [sys.executable, "-m", "neurosim", "status", "results/two_hundred"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(rf"done +{N_TRIALS} +{N_TRIALS} ok", told.stdout), told.stdout
    assert n_files() == N_TRIALS
    assert squeue() == ""
    assert not any(workers_of(k) for k in range(2))
    # and the same as on this machine
    here = subprocess.run([*RUN, "--output", "here", "--workers", "2"], capture_output=True, text=True, check=False)
    assert here.returncode == 0, here.stderr
    assert_same_results(Path("results/two_hundred"), Path("here"))

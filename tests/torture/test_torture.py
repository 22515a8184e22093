"""Runs that are killed, starved of disk, damaged and doubled end in the numbers of one that nobody disturbed.

Real processes of ``neurosim run`` on a scan of short trials. Every test counts what it did to them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from results_util import assert_same_results

from neurosim import runner
from neurosim.errors import ResultSchemaError
from neurosim.recording import block_paths
from neurosim.recording.files import verify

DATA = Path(__file__).parents[1] / "data"
#: Trials of the scan.
N = 30
SCAN = f"""
schema: neurosim-experiment/1
name: scan
circuit: tiny
protocol: {{settle: 20 ms, phases: [{{name: drug, record: 50 ms}}]}}
arms:
  ssri: {{drugs: [{{drug: escitalopram, concentration: 5 nM}}]}}
scan:
  level: {{path: arms.ssri.drugs.escitalopram.concentration, linear: [1 nM, {N} nM, {N}]}}
"""
STILL = SCAN.replace("name: scan", "name: still\nengine: none\nlevels: {NAc.DA: 80 nM}").replace(
    "{settle: 20 ms, phases: [{name: drug, record: 50 ms}]}", "{phases: [{name: drug, at: 1 h}]}"
)
#: Kills that count, and how many chains of runs share them, side by side.
N_KILLS, N_CHAINS = 50, 2
#: Seconds that nothing here takes, however busy the machine.
PATIENCE = 300
ANOTHER = "another run is at work in"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc"),
]


class Run:
    """A process of ``neurosim run``; all that it starts carries its mark in the environment."""

    def __init__(self, work: Path, folder: Path, command: str = "run"):
        self.mark, self.folder = uuid.uuid4().hex, folder
        self.log = work / f"{self.mark}.log"
        asked = ["run", "scan.yaml", "--workers", "2", "--output", str(folder)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "neurosim", *(asked if command == "run" else [command, str(folder)])],
                cwd=work,
                env=os.environ | {"NEUROSIM_TEST_MARK": self.mark},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def errors(self) -> list[str]:
        return [line for line in self.said.splitlines() if line.startswith("error: ")]

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def end(self) -> int:
        """Wait for the end; returns the exit status."""
        return self.process.wait(timeout=PATIENCE)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_for_trials(self, n: int) -> None:
        """Until so many trials are there, or the run has ended."""
        until(lambda: self.has_ended or count(self.folder) >= n)

    def processes(self) -> list[int]:
        """Its living processes, and those of all that it started."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


def until(is_so, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, "nothing happened for a very long time"
        time.sleep(0.005)


def count(folder: Path) -> int:
    """Trial files that are there."""
    return len(list((folder / "trials").glob("*.h5")))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "trials").iterdir())


def assert_completes(work: Path, folder: Path, plain: Path, after: Sequence[Run] = ()) -> Run:
    """A run ends well, in the files and numbers of the undisturbed one, after the end of all earlier ones.

    Temporary files that dead processes left are swept once they are a minute old, so they are made old.
    """
    assert_nothing_runs(after)
    for place in (folder, folder / "trials"):
        for path in place.glob(".*.tmp"):
            os.utime(path, (1, 1))
    run = Run(work, folder)
    assert run.end() == 0, run.said
    assert names(folder) == names(plain)
    for path in (folder / "trials").iterdir():
        verify(path)
    assert_same_results(folder, plain)
    assert_nothing_runs([run])
    return run


def assert_nothing_runs(runs: Sequence[Run]) -> None:
    left = {}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        left = {run.mark: found for run in runs if (found := run.processes())}
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"processes outlive their run: {left}")


def assert_one_sentence(run: Run, *words: str) -> None:
    """It refused or gave up with status 2 and one sentence that holds these words."""
    assert run.end() == 2, run.said
    assert "Traceback" not in run.said
    assert len(run.errors) == 1, run.said
    for word in words:
        assert word in run.errors[0]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with the circuit and the scan."""
    folder = tmp_path_factory.mktemp("torture")
    shutil.copy(DATA / "tiny.yaml", folder)
    (folder / "scan.yaml").write_text(SCAN, encoding="utf-8")
    (folder / "still.yaml").write_text(STILL, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plain(work):
    """The undisturbed result; it leaves the compiled program behind for the others."""
    folder = work / "plain"
    run = Run(work, folder)
    assert run.end() == 0, run.said
    assert count(folder) == len(names(folder)) == N
    return folder


# ---- killed


@dataclass(frozen=True)
class Kill:
    """Trials that were there when the run started and when it was killed, its processes and what it left torn."""

    before: int
    at: int
    n_processes: int
    n_torn: int


def kill_again_and_again(work: Path, plain: Path, name: str, n: int) -> tuple[list[Kill], list[Run], int]:
    """Kill and resume, in a new folder whenever one is done; also returns all runs and how many were completed."""
    draw, kills, runs, n_completed = random.Random(name), [], [], 0
    folder, startup = work / f"{name}0", 1.0
    while len(kills) < n:
        assert len(runs) < 4 * n, "the kills keep missing the scan"
        before, since = count(folder), time.monotonic()
        if before >= N - 1:
            runs.append(assert_completes(work, folder, plain, after=runs))
            n_completed += 1
            folder = work / f"{name}{n_completed}"
            continue
        torn_before = torn(folder)
        run = Run(work, folder)
        runs.append(run)
        if before and draw.random() < 0.4:
            # while it starts: reads the folder, sweeps, writes its plan, hands out the first trials
            time.sleep(draw.uniform(0, 1.2 * startup))
        else:
            run.wait_for_trials(before + 1)
            startup = time.monotonic() - since
            run.wait_for_trials(draw.randint(before + 1, min(N - 1, before + 7)))
            time.sleep(draw.uniform(0, 0.15))
        at, n_processes = count(folder), len(run.processes())
        run.kill()
        n_torn = len(torn(folder) - torn_before)
        if at >= 1 and count(folder) < N and run.process.returncode == -signal.SIGKILL:
            kills.append(Kill(before, at, n_processes, n_torn))
    runs.append(assert_completes(work, folder, plain, after=runs))
    return kills, runs, n_completed + 1


def torn(folder: Path) -> set[str]:
    """Temporary files of trials."""
    return {path.name for path in (folder / "trials").glob(".*.tmp")}


def test_killed_at_fifty_moments_of_a_scan(work, plain):
    with ThreadPoolExecutor(N_CHAINS) as pool:
        chains = [
            pool.submit(kill_again_and_again, work, plain, f"killed-{k}-", N_KILLS // N_CHAINS)
            for k in range(N_CHAINS)
        ]
    kills = [kill for chain in chains for kill in chain.result()[0]]
    runs = [run for chain in chains for run in chain.result()[1]]
    assert_nothing_runs(runs)
    there = sorted(kill.at for kill in kills)
    n_own = sum(kill.at > kill.before for kill in kills)
    n_torn = sum(kill.n_torn > 0 for kill in kills)
    print(
        f"{len(kills)} kills in {len(runs)} runs, {sum(chain.result()[2] for chain in chains)} folders completed; "
        f"trials there at the kill: {there[0]}, {there[len(there) // 2]}, {there[-1]} (least, median, most); {n_own} "
        f"killed a run after its own first trial, {n_torn} left a torn file; "
        f"at most {max(kill.n_processes for kill in kills)} processes"
    )
    assert len(kills) == N_KILLS
    assert 1 <= there[0] <= N // 4 and N - N // 4 <= there[-1] < N, "the kills lie all over the scan"
    assert n_own >= N_KILLS // 2
    assert n_own < N_KILLS, "some hit a run before its first trial"
    assert n_torn >= 5, "kills hit files that were being written"
    assert max(kill.n_processes for kill in kills) >= 3, "workers were alive when their run was killed"


# ---- no room


class Disk:
    """A small disk of its own."""

    def __init__(self, point: Path):
        self.point = point
        point.mkdir()
        self._mount("-t", "tmpfs", "-o", "size=64m", "neurosim-test", str(point))

    def _mount(self, *arguments: str) -> None:
        try:
            subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("a disk of its own needs the command mount")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"a disk of its own needs the right to mount: {error.stderr.strip()}")

    def remount(self, options: str) -> None:
        self._mount("-o", f"remount,{options}", str(self.point))

    def fill(self, leave: int = 0) -> None:
        """Somebody else writes until so many bytes are free."""
        with (self.point / "ballast").open("ab", buffering=0) as file:
            while (free := shutil.disk_usage(self.point).free) > leave:
                try:
                    file.write(bytes(min(free - leave, 1 << 20)))
                except OSError:
                    break

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.point)], check=False)


@pytest.fixture
def disk(tmp_path):
    found = Disk(tmp_path / "disk")
    yield found
    found.unmount()


def test_a_disk_that_fills_up_ends_the_run_and_with_space_it_goes_on(work, plain, disk):
    folder = disk.point / "results"
    run = Run(work, folder)
    run.wait_for_trials(5)
    disk.fill()
    assert_one_sentence(run, "cannot write", "no space left on the disk")
    kept = [name for name in names(folder) if name.endswith(".h5")]
    assert 5 <= len(kept) < N
    for name in kept:
        verify(folder / "trials" / name)
    assert_nothing_runs([run])
    assert runner.status(folder).done == len(kept)

    disk.fill()
    assert_one_sentence(Run(work, folder), "No space left on device")

    disk.remount("size=128m")
    before = {name: (folder / "trials" / name).stat().st_mtime_ns for name in kept}
    assert_completes(work, folder, plain)
    assert before == {name: (folder / "trials" / name).stat().st_mtime_ns for name in kept}

    # all trials are there, their summary finds no room
    (folder / "summary.h5").unlink()
    disk.fill(leave=50_000)
    assert_one_sentence(Run(work, folder), "cannot write", "summary.h5", "no space left on the disk")
    assert names(folder) == names(plain)
    disk.remount("size=192m")
    assert_completes(work, folder, plain)


def test_a_folder_that_can_only_be_read_stays_as_it_is(work, plain, disk):
    folder, other = disk.point / "results", disk.point / "other"
    shutil.copytree(plain, folder)
    for name in names(folder)[::2]:
        (folder / "trials" / name).unlink()
    (folder / "summary.h5").unlink()
    disk.remount("ro")
    before = snapshot(disk.point)
    assert len(before) > N // 2
    assert_one_sentence(Run(work, folder), "cannot be written to: Read-only file system", str(folder))
    assert_one_sentence(Run(work, other), "cannot be written to: Read-only file system", str(other))
    look = Run(work, folder, "status")
    assert look.end() == 0, look.said
    assert counted(look) == N // 2
    assert snapshot(disk.point) == before
    disk.remount("rw")
    assert_completes(work, folder, plain)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


def counted(look: Run) -> int:
    """Trials that ``status`` counts as done."""
    return next(int(line.split()[1]) for line in look.said.splitlines() if line.split()[:1] == ["done"])


# ---- damaged


def flipped(part: float, bit: int = 0):
    def damage(content: bytes) -> bytes:
        at = min(int(part * len(content)), len(content) - 1)
        return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]

    return damage


DAMAGES = {
    "empty": lambda content: b"",
    "cut in the head": lambda content: content[:60],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut in the tail": lambda content: content[: -len(content) // 10],
    "the last byte cut": lambda content: content[:-1],
    "the tail zero": lambda content: content[:-4096] + bytes(4096),
    "the middle overwritten": lambda content: (
        content[: len(content) // 2] + b"\xa5" * 512 + content[len(content) // 2 + 512 :]
    ),
    "the first bit flipped": flipped(0.0),
    "a bit of the head flipped": flipped(0.0005, 3),
    "a bit of the middle flipped": flipped(0.5, 7),
    "a bit of the tail flipped": flipped(0.95, 1),
    "the last bit flipped": flipped(1.0),
    **{f"a bit flipped at {part}": flipped(part) for part in (0.07, 0.11, 0.13, 0.14, 0.7)},
}


def damage(path: Path, kind: str) -> None:
    whole = path.read_bytes()
    content = DAMAGES[kind](whole)
    assert content != whole
    path.write_bytes(content)


def test_damaged_trials_are_named_and_run_again(work, plain):
    folder = shutil.copytree(plain, work / "hurt")
    victims = dict(zip([folder / "trials" / name for name in names(folder)], DAMAGES, strict=False))
    assert len(victims) == len(DAMAGES) < N
    for path, kind in victims.items():
        damage(path, kind)
    damage(folder / "summary.h5", "a bit of the middle flipped")

    look = Run(work, folder, "status")
    assert look.end() == 0, look.said
    assert counted(look) == N - len(victims)
    for path, kind in victims.items():
        assert f"{path} is damaged" in look.said, kind

    damage(folder / "plan.json", "cut in the middle")
    assert_one_sentence(Run(work, folder, "status"), "plan.json is damaged: run the experiment again")

    run = assert_completes(work, folder, plain)
    for path, kind in victims.items():
        assert f"{path} is damaged or not whole: its trial runs again" in run.said, kind
    assert f"{N - len(victims)} there already, {len(victims)} to run" in run.said
    again = Run(work, folder, "status")
    assert again.end() == 0, again.said
    assert counted(again) == N
    assert "damaged" not in again.said


@pytest.fixture
def here(work, plain_figure, monkeypatch):
    """Runs in this process, without a figure; all trials of theirs are there or cost nothing."""
    monkeypatch.chdir(work)
    return work


@pytest.mark.parametrize("kind", ["empty", "cut in the middle", *(k for k in DAMAGES if "flipped" in k)])
def test_a_damaged_summary_is_made_anew(here, plain, tmp_path, kind):
    folder = shutil.copytree(plain, tmp_path / "results")
    damage(folder / "summary.h5", kind)
    assert runner.run_experiment("scan.yaml", output=folder).simulated == 0
    assert_same_results(folder, plain)


def test_whatever_happens_to_a_plan_is_one_sentence_and_the_next_run_writes_it_anew(here, plain, tmp_path):
    folder = shutil.copytree(plain, tmp_path / "results")
    whole, draw = (folder / "plan.json").read_bytes(), random.Random(3)
    for _ in range(60):
        (folder / "plan.json").write_bytes(flipped(draw.random(), draw.randrange(8))(whole))
        with pytest.raises(ResultSchemaError, match="plan.json is .*run the experiment again") as caught:
            runner.status(folder)
        assert "\n" not in str(caught.value)
    assert runner.run_experiment("scan.yaml", output=folder).simulated == 0
    assert runner.status(folder).done == N
    written, expected = (json.loads((place / "plan.json").read_text()) for place in (folder, plain))
    assert written["trials"] == expected["trials"]


def test_damaged_blocks_are_named_and_evaluated_again(here, tmp_path):
    class Notes(runner.Listener):
        def __init__(self):
            self.texts = []

        def note(self, text):
            self.texts.append(text)

    plain = runner.run_experiment("still.yaml", output=tmp_path / "plain").folder
    (block,) = block_paths(plain)
    for kind in DAMAGES:
        folder = shutil.copytree(plain, tmp_path / kind)
        path = folder / "trials" / block.name
        damage(path, kind)
        found, notes = runner.status(folder), Notes()
        assert (found.done, found.damaged) == (0, (path,)), kind
        assert runner.run_experiment("still.yaml", output=folder, progress=notes).simulated == N, kind
        assert f"{path} is damaged or not whole: its trial runs again" in notes.texts, kind
        assert runner.status(folder).done == N
        assert names(folder) == names(plain)
        assert_same_results(folder, plain, at_least=15)


# ---- two at once


@pytest.mark.parametrize("is_at_work", [False, True], ids=["started together", "one at work"])
def test_two_runs_on_one_folder(work, plain, tmp_path, is_at_work):
    folder = tmp_path / "results"
    first = Run(work, folder)
    if is_at_work:
        first.wait_for_trials(1)
    second = Run(work, folder)
    assert not first.has_ended and count(folder) < N, "they were there at the same time"
    ends = {run: run.end() for run in (first, second)}
    assert 0 in ends.values(), first.said + second.said
    for run, status in ends.items():
        if status:
            assert_one_sentence(run, ANOTHER, str(folder))
    assert_completes(work, folder, plain, after=[first, second])

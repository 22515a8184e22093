"""A real SLURM of one node, of the processes of this user, for tests: controller and daemon without a service manager."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NEEDED = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol", "scancel")
_CONFIGURATION = """
ClusterName=neurosim
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={port}
SlurmdPort={second_port}
ProctrackType=proctrack/pgid
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1,requeue_setup_env_fail
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait=5
MinJobAge=300
MaxArraySize={largest_array}
MpiDefault=none
DefMemPerCPU=500
OverTimeLimit=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=1:00:00 DefaultTime=5:00 State=UP
"""


def missing() -> str:
    """Why no SLURM can be started here, empty if one can."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"no {', '.join(absent)} here: the Debian packages slurm-wlm and munge have them"
    if os.getuid() != 0:
        return "a node's daemon wants to be root"
    return ""


class OneNode:
    """A SLURM of one node that lives as long as the context."""

    def __init__(self, folder: Path, largest_array: int = 1001):
        self.folder, self.largest_array = folder, largest_array

    def __enter__(self) -> OneNode:
        for name in ("state", "spool", "key"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        (self.folder / "key").chmod(0o700)
        key = self.folder / "key" / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        (self.folder / "slurm.conf").write_text(self._configuration())
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        try:
            self._start_munge(key)
            self._start("slurmctld", "-c")
            self._start("slurmd", "-c")
            self.wait_for_node()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _configuration(self) -> str:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        first, second = _free_ports()
        return _CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            user=getpass.getuser(),
            folder=self.folder,
            port=first,
            second_port=second,
            cpus=len(os.sched_getaffinity(0)),
            memory=int(0.9 * memory / 2**20),
            largest_array=self.largest_array,
        )

    def _start_munge(self, key: Path) -> None:
        self._start(
            "munged",
            "--force",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/key/seed",
            "--num-threads=2",
        )

    def _start(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)

    def wait_for_node(self) -> None:
        for _ in range(150):
            answer = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False)
            if answer.stdout.strip() in ("idle", "mixed", "allocated"):
                return
            time.sleep(0.2)
        raise RuntimeError(f"the node of SLURM did not come up: {(self.folder / 'slurmctld.log').read_text()[-2000:]}")

    def stop_controller(self) -> None:
        self._end("slurmctld")

    def start_controller(self) -> None:
        self._start("slurmctld")

    def _end(self, name: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / f"{name}.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            for _ in range(100):
                os.kill(pid, 0)
                time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)

    def __exit__(self, *_: object) -> None:
        subprocess.run(["scancel", "--me"], capture_output=True, check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name)
        os.environ.pop("SLURM_CONF", None)


def _free_ports() -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]

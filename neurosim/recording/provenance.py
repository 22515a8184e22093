"""Where and with what a result was made."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

__all__ = ["cpu_type", "environment"]

_PACKAGES = ("brian2", "numpy", "scipy", "xarray", "netCDF4", "h5py", "pydantic")


@cache
def environment() -> dict[str, object]:
    """Root attributes that describe the machine and the software.

    Returns
    -------
    dict
        ``versions`` (package → version), ``commit`` (None outside a git checkout), ``host``, ``cpu``,
        ``python``, ``platform``.
    """
    return {
        "versions": {name: _version(name) for name in ("neurosim-da5ht", *_PACKAGES)},
        "commit": _commit(),
        "host": platform.node(),
        "cpu": cpu_type(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def cpu_type() -> str:
    """The processor's own name; bit-identical results are promised per CPU type."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """Commit of the checkout this package runs from, with ``+`` if files were changed since."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    calm = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True, env=calm, timeout=10
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None

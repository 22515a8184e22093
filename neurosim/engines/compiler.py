"""The C++ compiler: which one, with which flags, and whether it works."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from neurosim.engines.unity import joinable, joined, without_bodies
from neurosim.errors import EngineError

__all__ = ["ROLES", "Compiler", "compile_program", "cpu_type", "find_compiler"]

_BASE = ("-w", "-O3", "-ffast-math", "-fno-finite-math-only", "-std=c++17")
#: Best first. gcc gives up vectorising a loop over more than ten arrays without ``--param``, which only gcc knows;
#: the one after it, of x86 alone, divides floats by dividing. The last set is Brian2's own.
_FLAGS = (
    (*_BASE, "-march=native", "--param=vect-max-version-for-alias-checks=5000", "-mno-recip"),
    (*_BASE, "-march=native", "--param=vect-max-version-for-alias-checks=5000"),
    (*_BASE, "-march=native"),
    _BASE,
)
#: What runs once: optimising it well would cost most of the build.
_ONCE = ("-w", "-O1", "-std=c++17")
#: Loops over cells. Told that no number is NaN, gcc makes a clip two instructions instead of ten; where numbers run away
#: is seen in their bits (driver.py), so no answer hangs on this. Elsewhere it would bring in the C library's vector exp.
_FINITE = "-ffinite-math-only"
#: How a source is compiled, in the order of linking: of a function that several objects hold, the linker takes the first,
#: which has to be an optimised one.
ROLES = ("cells", "steps", "once")
#: Of Brian2's own sources: a third of the compiler's time, and never called (driver.py).
_NEVER_CALLED = {"objects.cpp": ("set_variable_by_name", "_write_arrays", "_dealloc_arrays")}

_PROBE = "#include <vector>\n#include <cmath>\nint main() { std::vector<double> x(64, 1.0); double s = 0;" + (
    " for (double y : x) s += std::sqrt(y); return s == 64.0 ? 0 : 1; }\n"
)


@dataclass(frozen=True)
class Compiler:
    """A compiler that made and ran a small program.

    Attributes
    ----------
    command : tuple of str
    identity : str
        First line of what it says of its version, and the machine it compiles for.
    flags : tuple of str
    """

    command: tuple[str, ...]
    identity: str
    flags: tuple[str, ...]


def _candidates() -> list[list[str]]:
    named = os.environ.get("CXX")
    if named:
        return [shlex.split(named)]
    return [[path] for path in map(shutil.which, ("g++", "c++", "clang++")) if path]


def _runs(command: list[str]) -> subprocess.CompletedProcess | None:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer if answer.returncode == 0 else None


def _identity(command: list[str]) -> str | None:
    """Version and machine, from what gcc and clang both print for -v."""
    answer = _runs([*command, "-v"])
    if answer is None:
        return None
    lines = [line.strip() for line in answer.stderr.splitlines()]
    target = [line.removeprefix("Target:").strip() for line in lines if line.startswith("Target:")]
    name = [line for line in lines if re.search(r"(gcc|clang) version|LLVM version", line)]
    return f"{name[0]} ({target[0]})" if name and target else None


def _works(command: list[str], flags: tuple[str, ...]) -> bool:
    with tempfile.TemporaryDirectory(prefix="neurosim-") as folder:
        source, program = Path(folder, "probe.cpp"), Path(folder, "probe")
        source.write_text(_PROBE)
        return bool(_runs([*command, *flags, str(source), "-o", str(program)]) and _runs([str(program)]))


def _flags(command: list[str], identity: str, memory: Path | None) -> tuple[str, ...] | None:
    """The best flags that work; what worked is written down, for trying takes longer than a short run."""
    if memory is not None:
        facts = json.dumps([command, identity, cpu_type(), _FLAGS])
        memory = memory / "compilers" / hashlib.sha256(facts.encode()).hexdigest()[:32]
        with contextlib.suppress(OSError, ValueError, IndexError):
            return _FLAGS[int(memory.read_text())]
    for number, flags in enumerate(_FLAGS):
        if _works(command, flags):
            if memory is not None:
                with contextlib.suppress(OSError):
                    memory.parent.mkdir(parents=True, exist_ok=True)
                    memory.write_text(str(number))
            return flags
    return None


@functools.cache
def _find(named: str | None, path: str | None, memory: Path | None) -> Compiler | None:
    for command in _candidates():
        identity = _identity(command)
        flags = _flags(command, identity, memory) if identity else None
        if identity and flags:
            return Compiler(tuple(command), identity, flags)
    return None


def find_compiler(memory: Path | None = None) -> Compiler | None:
    """The compiler named by CXX, else the first of g++, c++, clang++ that works; None if there is none.

    Parameters
    ----------
    memory : Path, optional
        Folder in which is kept between processes which flags work.
    """
    return _find(os.environ.get("CXX"), os.environ.get("PATH"), memory)


@functools.cache
def cpu_type() -> str:
    """Model of the processor and a digest of what it can do: a program made with -march=native runs on its like only."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {}
    for line in lines:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    able = hashlib.sha256(facts.get("flags", facts.get("Features", "")).encode()).hexdigest()[:8]
    return f"{facts.get('model name', platform.machine())} [{able}]"


def _run(command: list[str], directory: Path) -> None:
    try:
        answer = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EngineError(f"the compiler cannot be started: {error}") from error
    if answer.returncode:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        first = next((line for line in said if "error" in line), said[-1] if said else "it said nothing")
        raise EngineError(f"{Path(command[0]).name} could not compile {command[-1]}: {first}")


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _flags_for(role: str, compiler: Compiler) -> tuple[str, ...]:
    return {"cells": (*compiler.flags, _FINITE), "steps": compiler.flags, "once": _ONCE}[role]


def _compiled_source(directory: Path, source: str, command: list[str]) -> str:
    target = f"{source.removesuffix('.cpp')}.o"
    _run([*command, "-o", target, "-c", source], directory)
    return target


def _compiled(directory: Path, role: str, numbers: dict[str, int], compiler: Compiler) -> list[str]:
    """Objects of the sources of a role: one if they can be compiled together, else one each."""
    command = [*compiler.command, "-I.", *_flags_for(role, compiler)]
    texts = {
        source: without_bodies((directory / source).read_text(), _NEVER_CALLED.get(source, ()))
        for source in numbers
    }
    together = {source: text for source, text in texts.items() if joinable(source, text)}
    objects = []
    if together:
        unit = directory / f"{role}_unit.cpp"
        unit.write_text(joined(together, numbers))
        try:
            objects = [_compiled_source(directory, unit.name, command)]
        except EngineError:
            # another Brian2 may generate what does not go together; if it is a real error, it names its source now
            together = {}
        unit.unlink()
    return objects + [_compiled_source(directory, source, command) for source in texts if source not in together]


def compile_program(directory: Path, sources: Mapping[str, str], compiler: Compiler) -> None:
    """Compile and link the generated sources to ``directory/main``.

    Parameters
    ----------
    directory : Path
    sources : mapping
        Source → its role, one of ``ROLES``.
    compiler : Compiler

    Raises
    ------
    EngineError
        With the first error of the compiler.
    """
    numbers = {source: number for number, source in enumerate(sources)}
    parts = [{source: numbers[source] for source in sources if sources[source] == role} for role in ROLES]
    with ThreadPoolExecutor(max_workers=_cpus()) as pool:
        compiled = pool.map(lambda role, part: _compiled(directory, role, part, compiler), ROLES, parts)
        objects = [target for targets in compiled for target in targets]
    _run([*compiler.command, *compiler.flags, "-o", "main", *objects], directory)
    for name in objects:
        (directory / name).unlink()

"""Compiled programs on disk: one per structure and tool chain, built once, shared by every process of the machine."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import neurosim
from neurosim.build.plan import Structure
from neurosim.engines.compiler import Compiler, compile_program, cpu_type, find_compiler
from neurosim.errors import EngineError

__all__ = [
    "Program",
    "cache_directory",
    "compiler_here",
    "find_or_build",
    "fingerprint",
    "is_built",
    "is_whole",
    "sources_digest",
]

_MANIFEST = "program.json"
#: Brian2 would import plots and its tests if they are there, which takes as long as the rest of it.
_GENERATOR = """
import sys
sys.modules |= dict.fromkeys(("pylab", "pytest"))
from neurosim.engines._build import main
main()
"""


@dataclass(frozen=True)
class Program:
    """A compiled program.

    Attributes
    ----------
    directory : Path
        Holds ``main`` and what it reads at start; never written to by a run.
    inputs, outputs : dict
        Record → (dtype, number of items; 0 where that is known at run time only).
    """

    directory: Path
    inputs: dict[str, tuple[str, int]]
    outputs: dict[str, tuple[str, int]]


def cache_directory() -> Path:
    """``NEUROSIM_CACHE``, else ``neurosim`` in the user's cache folder."""
    named = os.environ.get("NEUROSIM_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "neurosim"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurosim"


def _shared_cache() -> Path | None:
    """A cache to copy programs from (``NEUROSIM_CACHE_FROM``), where the own one is on a node's disk."""
    named = os.environ.get("NEUROSIM_CACHE_FROM")
    return Path(named).expanduser().resolve() if named else None


def compiler_here() -> Compiler | None:
    """The compiler of this machine; the cache remembers which flags it takes."""
    return find_compiler(cache_directory())


@functools.cache
def sources_digest() -> str:
    """Digest of the sources that decide what a program computes: models, engines and the plan."""
    package = Path(neurosim.__file__).parent
    files = [
        *(package / "models").glob("*.py"),
        *(package / "engines").glob("*.py"),
        package / "build" / "plan.py",
    ]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def fingerprint(compiler: Compiler | None) -> dict[str, str]:
    """What besides plan and structure decides the bits of a result."""
    facts = {
        "brian2": _version("brian2"),
        "numpy": _version("numpy"),
        "sources": sources_digest(),
        "cpu": cpu_type(),
    }
    if compiler is not None:
        facts |= {"compiler": compiler.identity, "flags": " ".join(compiler.flags)}
    return facts


# version() reads the package's metadata anew at each call, which every trial would wait for
_version = functools.cache(version)


def _key(structure: Structure, compiler: Compiler) -> str:
    text = json.dumps({"structure": structure.digest, **fingerprint(compiler)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _open(directory: Path) -> Program | None:
    """The program in a folder; None if there is none or it is damaged."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_text())
        whole = hashlib.sha256((directory / "main").read_bytes()).hexdigest() == manifest["main"]
        tables = [{b["name"]: (b["dtype"], b["n"]) for b in manifest[key]} for key in ("inputs", "outputs")]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Program(directory, *tables) if whole else None


def is_whole(directory: Path) -> bool:
    """Whether a folder holds a program, every byte of it."""
    return _open(directory) is not None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Hold a lock that other processes respect; the system releases it if this process dies.

    Gives False where the file system has no locks: then two processes may build the same program, and one wins.
    """
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            yield False
        else:
            yield True


def _sweep(target: Path) -> None:
    """Remove what killed builds of this program left; only for who holds its lock."""
    for leftover in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _generate(structure: Structure, directory: Path) -> dict[str, str]:
    """Write the C++ sources in a process of their own; returns how each is to be compiled."""
    request = directory / "structure.json"
    request.write_text(json.dumps(asdict(structure)))
    path = [str(Path(neurosim.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    answer = subprocess.run(
        [sys.executable, "-c", _GENERATOR, str(request), str(directory)],
        cwd=directory,  # where Python looks first: no other neurosim can be there
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        said = answer.stderr.strip().splitlines() or ["it said nothing"]
        raise EngineError(f"Brian2 {version('brian2')} could not generate the program: {said[-1]}")
    return json.loads((directory / _MANIFEST).read_text())["sources"]


def _build(structure: Structure, target: Path, compiler: Compiler) -> Program:
    """Build aside and move into place, so that a folder with the final name is always whole."""
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        compile_program(work, _generate(structure, work), compiler)
        manifest = json.loads((work / _MANIFEST).read_text())
        manifest["main"] = hashlib.sha256((work / "main").read_bytes()).hexdigest()
        manifest["fingerprint"] = fingerprint(compiler)
        (work / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        work.chmod(0o755)
        if _open(target) is None:
            shutil.rmtree(target, ignore_errors=True)
            os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    program = _open(target)
    if program is None:
        raise EngineError(
            f"the program in {target} is damaged right after it was built; allowed: a disk that keeps files"
        )
    return program


def _copied(target: Path) -> Program | None:
    """The program out of the shared cache, if it is there and whole."""
    shared = _shared_cache()
    if shared is None or _open(shared / "programs" / target.name) is None:
        return None
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        shutil.copytree(shared / "programs" / target.name, work, dirs_exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return _open(target)


def is_built(structure: Structure) -> bool:
    """Whether the program of a structure is in the cache and whole."""
    compiler = compiler_here()
    return compiler is not None and _open(cache_directory() / "programs" / _key(structure, compiler)) is not None


def find_or_build(structure: Structure) -> Program:
    """The program of a structure, from the cache, from the one to copy from, or built now.

    A damaged program, or one made from other sources, by another compiler or for another processor, is not used.

    Raises
    ------
    EngineError
        Without a compiler, if the compiler fails, or if the cache cannot be written.
    """
    compiler = compiler_here()
    if compiler is None:
        raise EngineError(
            "the standalone engine needs a C++ compiler (g++ or clang++, or named by CXX); none works here"
        )
    folder = cache_directory() / "programs"
    target = folder / _key(structure, compiler)
    program = _open(target)
    if program is not None:
        return program
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f"{target.name}.lock") as alone:
            program = _open(target)
            if program is not None:
                return program
            if alone:
                _sweep(target)
            return _copied(target) or _build(structure, target, compiler)
    except OSError as error:
        raise EngineError(
            f"cache {folder}: {error.strerror or error}; allowed: a folder that can be written, named by NEUROSIM_CACHE"
        ) from error

"""Compiled programs that many processes share: one build each, nothing half-built is used, and what goes, goes safely."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from plans import STRUCTURE

from neurosim.engines import cache
from neurosim.engines.cached import cached_programs, remove, unfinished

if cache.compiler_here() is None:
    pytest.skip("no C++ compiler here", allow_module_level=True)

#: A build that counts itself, and goes on when it is told to; its program is cat.
BUILDER = """
import json, shutil, sys
sys.path.insert(0, sys.argv[1])
from plans import STRUCTURE
from neurosim.engines import cache

def generate(structure, directory):
    (directory / "structure.json").write_text(json.dumps({"n_cells": structure.n_cells, "synapses": [{"n": 7}, {"n": 5}]}))
    told = {"structure": structure.digest, "inputs": [], "outputs": [], "sources": []}
    (directory / "program.json").write_text(json.dumps(told))
    return []

def compile_program(directory, sources, compiler):
    with open(sys.argv[2], "a") as log:
        log.write("built ")
    print("compiling", flush=True)
    sys.stdin.readline()
    shutil.copy(shutil.which("cat"), directory / "main")

cache._generate, cache.compile_program = generate, compile_program
print(cache.find_or_build(STRUCTURE).directory)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "programs"


@pytest.fixture
def builder(folder, tmp_path):
    started = []

    def start() -> subprocess.Popen:
        command = [sys.executable, "-c", BUILDER, str(Path(__file__).parents[1]), str(tmp_path / "log")]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def key(folder):
    return cache._key(STRUCTURE, cache.compiler_here())


def built(builder) -> Path:
    return Path(builder().communicate("\n")[0].split()[-1])


def test_two_processes_that_need_one_program_build_it_once(builder, tmp_path, key):
    processes = [builder(), builder()]
    # both are told to go on before either is waited for: whichever holds the lock needs it
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate()[0].split() for process in processes]
    assert {Path(words[-1]).name for words in said} == {key}
    assert (tmp_path / "log").read_text() == "built "


def test_a_killed_build_leaves_nothing_that_is_used(builder, folder, key):
    process = builder()
    assert process.stdout.readline() == "compiling\n"
    process.kill()
    process.wait()
    assert not cache.is_built(STRUCTURE) and cached_programs() == []
    assert unfinished() == [key]
    assert built(builder).name == key
    assert unfinished() == [] and [program.key for program in cached_programs()] == [key]


def test_what_is_being_built_stays_when_the_cache_is_cleared(builder, key):
    process = builder()
    assert process.stdout.readline() == "compiling\n"
    assert remove([key]) == [key]
    process.communicate("\n")
    assert process.returncode == 0 and cache.is_built(STRUCTURE)


def test_what_killed_builds_left_goes(builder, folder, key):
    process = builder()
    assert process.stdout.readline() == "compiling\n"
    process.kill()
    process.wait()
    assert remove(unfinished()) == []
    assert [path.name for path in folder.iterdir()] == [f"{key}.lock"]


def test_a_program_at_work_goes_on_when_the_cache_is_cleared(builder, key):
    directory = built(builder)
    with subprocess.Popen([directory / "main"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as at_work:
        assert remove([key]) == [] and not directory.exists()
        assert at_work.communicate("still here")[0] == "still here"
    assert built(builder) == directory and cache.is_built(STRUCTURE)


def test_programs_are_described(builder, key):
    directory = built(builder)
    (program,) = cached_programs()
    assert (program.key, program.structure, program.n_cells, program.n_synapses) == (key, STRUCTURE.digest, 40, 12)
    assert program.why_not == "" and program.compiler == cache.compiler_here().identity
    assert program.size == sum(file.stat().st_size for file in directory.iterdir())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sources", "edited", "other sources of neurosim"),
        ("cpu", "another", "another processor"),
        ("compiler", "another", "another compiler"),
        ("flags", "-O0", "other flags of the compiler"),
        ("brian2", "2.0", "brian2 2.0, not "),
    ],
)
def test_why_a_program_cannot_be_used(builder, name, value, words):
    manifest = built(builder) / "program.json"
    told = json.loads(manifest.read_text())
    told["fingerprint"][name] = value
    manifest.write_text(json.dumps(told))
    assert cached_programs()[0].why_not.startswith(words)


def test_a_damaged_program_is_not_whole(builder):
    directory = built(builder)
    os.truncate(directory / "main", 10)
    assert cached_programs()[0].why_not == "it is not whole"
    shutil.rmtree(directory)
    directory.mkdir()
    assert cached_programs()[0].why_not == "it is not whole"

"""The loops over cells are vectorised: without that the program is five to ten times slower and nothing else tells."""

import re
import subprocess

import pytest

from neurosim.engines.cache import compiler_here

#: Source → the loop that has to be vectorised.
LOOPS = {
    "cells": ("neurosim_driver.cpp", r"for \(int k = first; k < last; k\+\+\)$"),
    "slow step": ("code_objects/cells_step_codeobject.cpp", r"for\(int _idx=0; _idx<_N; _idx\+\+\)"),
    "threshold": ("neurosim_driver.cpp", r"for \(int k = first; k < last; k\+\+\) any"),
}


@pytest.fixture(scope="module")
def gcc():
    compiler = compiler_here()
    if compiler is None or "g++" not in compiler.identity.lower() and "gcc" not in compiler.identity.lower():
        pytest.skip("asks gcc what it vectorised")
    return compiler


def vectorised_lines(gcc, directory, source, *more) -> set[int]:
    """Lines of the source whose loops gcc says it vectorised."""
    command = [*gcc.command, *gcc.flags, *more, "-I.", "-include", "neurosim_common.h", "-fopt-info-vec"]
    command += ["-S", "-o", "/dev/null", source]
    answer = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    said = re.findall(rf"{re.escape(source)}:(\d+):\d+: optimized: loop vectorized", answer.stderr)
    return {int(line) for line in said}


def line_of(directory, source, loop) -> int:
    for number, line in enumerate((directory / source).read_text().splitlines(), 1):
        if re.search(loop, line):
            return number
    raise AssertionError(f"{source} has no loop over cells")


@pytest.mark.parametrize("source, loop", LOOPS.values(), ids=LOOPS)
def test_loop_over_cells_is_vectorised(gcc, program, source, loop):
    assert line_of(program.directory, source, loop) in vectorised_lines(gcc, program.directory, source)


@pytest.mark.parametrize("source, loop", LOOPS.values(), ids=LOOPS)
def test_loop_over_cells_is_vectorised_without_avx512(gcc, program, source, loop):
    if not gcc.identity.rstrip(")").endswith(
        ("x86_64-linux-gnu", "x86_64-pc-linux-gnu", "x86_64-redhat-linux")
    ):
        pytest.skip("x86 only")
    assert line_of(program.directory, source, loop) in vectorised_lines(
        gcc, program.directory, source, "-march=haswell"
    )


def test_the_guard_can_fail(gcc, program):
    source, loop = LOOPS["cells"]
    assert line_of(program.directory, source, loop) not in vectorised_lines(
        gcc, program.directory, source, "-fno-tree-vectorize"
    )

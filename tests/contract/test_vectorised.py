"""The loops over cells are vectorised: without that the program is five to ten times slower and nothing else tells."""

import re
import subprocess

import pytest

from neurosim.engines.cache import compiler_here

#: Name → the loop of the driver that has to be vectorised.
LOOPS = {
    "fast step": r"// fast step$",
    "slow step": r"// slow step$",
    "random bits": r"_bits\[k - first\] = random_bits",
    "noise": r" = gauss_of\(",
}
SOURCE = "neurosim_driver.cpp"


@pytest.fixture(scope="module")
def gcc():
    compiler = compiler_here()
    if compiler is None or "g++" not in compiler.identity.lower() and "gcc" not in compiler.identity.lower():
        pytest.skip("asks gcc what it vectorised")
    return compiler


def vectorised_lines(gcc, directory, source, *more) -> set[int]:
    """Lines of the source whose loops gcc says it vectorised."""
    command = [*gcc.command, *gcc.flags, *more, "-I.", "-fopt-info-vec"]
    command += ["-S", "-o", "/dev/null", source]
    answer = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=True)
    said = re.findall(rf"{re.escape(source)}:(\d+):\d+: optimized: loop vectorized", answer.stderr)
    return {int(line) for line in said}


def line_of(directory, source, loop) -> int:
    for number, line in enumerate((directory / source).read_text().splitlines(), 1):
        if re.search(loop, line):
            return number
    raise AssertionError(f"{source} has no loop over cells")


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_loop_over_cells_is_vectorised(gcc, program, loop):
    assert line_of(program.directory, SOURCE, loop) in vectorised_lines(gcc, program.directory, SOURCE)


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_loop_over_cells_is_vectorised_without_avx512(gcc, program, loop):
    if not gcc.identity.rstrip(")").endswith(
        ("x86_64-linux-gnu", "x86_64-pc-linux-gnu", "x86_64-redhat-linux")
    ):
        pytest.skip("x86 only")
    assert line_of(program.directory, SOURCE, loop) in vectorised_lines(
        gcc, program.directory, SOURCE, "-march=haswell"
    )


def test_the_guard_can_fail(gcc, program):
    loop = LOOPS["fast step"]
    assert line_of(program.directory, SOURCE, loop) not in vectorised_lines(
        gcc, program.directory, SOURCE, "-fno-tree-vectorize"
    )

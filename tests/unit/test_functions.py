"""Noise and exponential: statistics, and the C++ twins against NumPy."""

import subprocess

import numpy as np
import pytest
from scipy import stats

from neurosim.engines.cache import compiler_here
from neurosim.models import CPP_FUNCTIONS, CPP_SINGLE, gauss, heaviside, random_bits, uniform, vexp

N_CELLS, N_STEPS = 1000, 1000
KEYS = (0, 7, 2**63 - 1)


@pytest.fixture(scope="module")
def noise():
    """Gaussian numbers, shape (steps, cells), at the steps that the slow loop uses."""
    return gauss(np.arange(N_CELLS), 10 * np.arange(N_STEPS)[:, None], 7)


def test_moments_are_those_of_a_gaussian(noise):
    n = noise.size
    # Standard errors of mean, variance, skewness and kurtosis of n Gaussian numbers; four of them.
    assert abs(noise.mean()) < 4 / np.sqrt(n)
    assert abs(noise.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(stats.skew(noise.ravel())) < 4 * np.sqrt(6 / n)
    assert abs(stats.kurtosis(noise.ravel())) < 4 * np.sqrt(24 / n)


def test_distribution_and_tails(noise):
    assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-4
    for limit in (2.0, 3.0, 4.0):
        expected = noise.size * 2 * stats.norm.sf(limit)
        assert abs((np.abs(noise) > limit).sum() - expected) < 4 * np.sqrt(expected)
    assert np.abs(noise).max() < 6.77


@pytest.mark.parametrize("lag", [1, 2, 3, 10, 100])
def test_steps_are_independent(noise, lag):
    product = (noise[lag:] * noise[:-lag]).mean()
    assert abs(product) < 4 / np.sqrt(noise[lag:].size)


@pytest.mark.parametrize("lag", [1, 2, 3, 10, 64, 100])
def test_cells_are_independent(noise, lag):
    product = (noise[:, lag:] * noise[:, :-lag]).mean()
    assert abs(product) < 4 / np.sqrt(noise[:, lag:].size)


def test_no_row_comes_back_permuted(noise):
    # A hash that only permutes numbers between steps keeps each step's sum: sums have to spread like those of Gaussians.
    assert noise.sum(axis=1).std() == pytest.approx(np.sqrt(N_CELLS), rel=4 / np.sqrt(2 * N_STEPS))
    assert noise.sum(axis=0).std() == pytest.approx(np.sqrt(N_STEPS), rel=4 / np.sqrt(2 * N_CELLS))
    assert np.unique(noise).size > 0.999 * noise.size


@pytest.mark.parametrize("other", [8, 7 + 2**32, 2**62])
def test_keys_give_independent_noise(noise, other):
    again = gauss(np.arange(N_CELLS), 10 * np.arange(N_STEPS)[:, None], other)
    assert abs((noise * again).mean()) < 4 / np.sqrt(noise.size)


def test_squares_are_uncorrelated_too(noise):
    square = noise**2 - 1
    assert abs((square[1:] * square[:-1]).mean()) < 4 * 2 / np.sqrt(square.size)
    assert abs((square[:, 1:] * square[:, :-1]).mean()) < 4 * 2 / np.sqrt(square.size)


def test_uniform_numbers_fill_their_interval():
    u = uniform(np.arange(N_CELLS), np.arange(N_STEPS)[:, None], 3)
    assert u.min() >= 0 and u.max() < 1
    counts = np.histogram(u, 256, (0, 1))[0]
    assert stats.chisquare(counts).pvalue > 1e-4
    assert abs((u[1:] - 0.5).ravel() @ (u[:-1] - 0.5).ravel()) * 12 / u.size < 4 / np.sqrt(u.size)


def test_every_bit_is_fair_and_every_input_bit_matters():
    bits = random_bits(np.arange(100_000), 5, 9)
    ones = np.array([((bits >> np.uint64(k)) & np.uint64(1)).mean() for k in range(64)])
    assert np.abs(ones - 0.5).max() < 4.5 * 0.5 / np.sqrt(bits.size)
    here = random_bits(12345, 67890, 424242)
    for flipped in (random_bits(12345 ^ 4, 67890, 424242), random_bits(12345, 67890 ^ 4, 424242)):
        assert 12 <= bin(int(here ^ flipped)).count("1") <= 52


def test_same_arguments_same_number():
    assert gauss(3, 50, 7) == gauss(np.arange(5), 50, 7)[3]


def test_vexp_is_exp_and_never_overflows():
    x = np.array([-1e300, -800.0, -707.0, -1.0, 0.0, 1.0, 700.0, 800.0, 1e300])
    with np.errstate(all="raise"):
        y = vexp(x)
    assert np.isfinite(y).all() and (y > 0).all() and (np.diff(y) >= 0).all()
    np.testing.assert_array_equal(y[3:7], np.exp(x[3:7]))


def test_heaviside_is_one_at_zero():
    np.testing.assert_array_equal(heaviside(np.array([-1.0, -0.0, 0.0, 2.0])), [0, 1, 1, 1])


MAIN = r"""
#include <cmath>
#include <cstdint>
#include <cstdio>
namespace {
%s
}
template <class F> void table(F f)
{
    const int64_t keys[] = {0, 7, INT64_MAX}, steps[] = {0, 10, 123456789012};
    for (int64_t key : keys) for (int64_t step : steps) for (int i = 0; i < 200; i++)
    { const double x = f(i, step, key); std::fwrite(&x, 8, 1, stdout); }
}
int main()
{
    table([](int64_t i, int64_t s, int64_t k)
    { uint64_t b = _ns_bits(i, s, k); double x; __builtin_memcpy(&x, &b, 8); return x; });
    table(uniform);
    table(gauss);
    for (int k = 0; k <= 200000; k++) { const double y = vexp(-40.0 + k * 4e-4); std::fwrite(&y, 8, 1, stdout); }
    const double far[] = {-1e15, -750.0, -700.0, 0.0, 700.0, 750.0, 1e15};
    for (double x : far) { const double y = vexp(x); std::fwrite(&y, 8, 1, stdout); }
    const double edge[] = {-1e-9, 0.0, 1.0};
    for (double x : edge) { const double y = heaviside(x); std::fwrite(&y, 8, 1, stdout); }
}
"""


@pytest.fixture(scope="module", params=["as built", "without AVX-512"])
def cpp(request, tmp_path_factory):
    """What the C++ twins give, compiled with the flags of the engine."""
    compiler = compiler_here()
    if compiler is None:
        pytest.skip("no C++ compiler")
    more = []
    if request.param != "as built":
        if "x86_64" not in compiler.identity:
            pytest.skip("x86 only")
        more = ["-mno-avx512f"]
    folder = tmp_path_factory.mktemp("functions")
    (folder / "main.cpp").write_text(MAIN % CPP_FUNCTIONS)
    command = [
        *compiler.command,
        *compiler.flags,
        *more,
        str(folder / "main.cpp"),
        "-o",
        str(folder / "main"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return np.frombuffer(subprocess.run([folder / "main"], check=True, capture_output=True).stdout)


def arguments():
    keys, steps, cells = np.meshgrid([0, 7, 2**63 - 1], [0, 10, 123456789012], np.arange(200), indexing="ij")
    return cells.ravel(), steps.ravel(), keys.ravel()


def test_random_bits_are_the_same_in_cpp(cpp):
    np.testing.assert_array_equal(cpp[:1800].view(np.uint64), random_bits(*arguments()))


def test_random_numbers_are_the_same_in_cpp(cpp):
    np.testing.assert_array_equal(cpp[1800:3600], uniform(*arguments()))
    # The series of logarithm and sine are cut at 1e-13.
    np.testing.assert_allclose(cpp[3600:5400], gauss(*arguments()), rtol=1e-11, atol=1e-12)


def test_vexp_is_accurate_in_cpp(cpp):
    x = -40.0 + 4e-4 * np.arange(200001)
    y = cpp[5400 : 5400 + x.size]
    # 1e-13 from the polynomial, and the rounding of x / ln 2, which grows with x.
    assert np.abs(y / np.exp(x) - 1).max() < 1e-13
    far = cpp[5400 + x.size : 5407 + x.size]
    assert np.isfinite(far).all() and (far >= 0).all() and far[3] == 1.0
    assert far[0] < 1e-300 and far[1] < 1e-300 and far[5] > 1e300 and far[6] > 1e300
    np.testing.assert_allclose(far[[2, 4]], np.exp([-700.0, 700.0]), rtol=1e-12)
    np.testing.assert_array_equal(cpp[-3:], [0, 1, 1])


MAIN_SINGLE = r"""
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
namespace {
%s
}
int main()
{
    for (int k = 0; k <= 160000; k++)
    { const float x = -80.0f + k * 1e-3f, both[] = {x, vexp(x)}; std::fwrite(both, 4, 2, stdout); }
    for (float x : {-1e30f, -200.0f, 0.0f, 200.0f, 1e30f}) { const float y = vexp(x); std::fwrite(&y, 4, 1, stdout); }
    for (int x : {-1, 0, 1}) { const float y = heaviside(x); std::fwrite(&y, 4, 1, stdout); }
}
"""

MAIN_NOISE = r"""
#include <cmath>
#include <cstdint>
#include <cstdio>
namespace {
%s
}
static uint64_t bits[100000];
static float z[100000];
int main()
{
    for (int i = 0; i < 100000; i++) bits[i] = random_bits(i, 123456789012, 7);
    for (int i = 0; i < 100000; i++) z[i] = gauss_of(bits[i]);
    std::fwrite(bits, 8, 100000, stdout);
    std::fwrite(z, 4, 100000, stdout);
}
"""


@pytest.mark.parametrize("more", [[], ["-mno-avx512f"]], ids=["as built", "without AVX-512"])
def test_noise_of_the_compiled_program_is_that_of_numpy(tmp_path, more):
    compiler = compiler_here()
    if compiler is None:
        pytest.skip("no C++ compiler")
    if more and "x86_64" not in compiler.identity:
        pytest.skip("x86 only")
    (tmp_path / "main.cpp").write_text(MAIN_NOISE % CPP_SINGLE)
    command = [*compiler.command, *compiler.flags, *more, str(tmp_path / "main.cpp"), "-o", str(tmp_path / "main")]
    subprocess.run(command, check=True, capture_output=True)
    said = subprocess.run([tmp_path / "main"], check=True, capture_output=True).stdout
    i, z = np.arange(100_000), np.frombuffer(said, np.float32, offset=800_000).astype(float)
    np.testing.assert_array_equal(np.frombuffer(said, np.uint64, 100_000), random_bits(i, 123456789012, 7))
    exact = gauss(i, 123456789012, 7)
    # u is rounded by 3e-8, which moves z**2 by twice that; logarithm and sine are a few units of 6e-8 off
    assert (np.abs(z**2 - exact**2) < 1e-6 * (1 + exact**2)).all()
    assert (np.sign(z) == np.sign(exact)).all() and np.corrcoef(z, exact)[0, 1] > 1 - 1e-10


def test_single_precision_twins_are_accurate(tmp_path):
    compiler = compiler_here()
    if compiler is None:
        pytest.skip("no C++ compiler")
    (tmp_path / "main.cpp").write_text(MAIN_SINGLE % CPP_SINGLE)
    command = [*compiler.command, *compiler.flags, str(tmp_path / "main.cpp"), "-o", str(tmp_path / "main")]
    subprocess.run(command, check=True, capture_output=True)
    said = np.frombuffer(subprocess.run([tmp_path / "main"], check=True, capture_output=True).stdout, np.float32)
    x, y = said[: 2 * 160001].reshape(-1, 2).T.astype(float)
    # half an ulp of x, and of x / ln 2, moves exp by as much times x; six products of the polynomial
    assert (np.abs(y / np.exp(x) - 1) < 3e-7 + 1.3e-7 * np.abs(x)).all()
    low, lower, one, high, higher = said[2 * x.size : 2 * x.size + 5]
    assert 0 <= lower < 1e-37 and 0 <= low < 1e-37 and one == 1.0 and 5e37 < high < np.inf and 5e37 < higher < np.inf
    np.testing.assert_array_equal(said[-3:], [0, 1, 1])

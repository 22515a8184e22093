"""The functions that the equations call: counter-based noise (``gauss``, ``uniform``), ``vexp`` and ``heaviside``.

Counter-based means: the number drawn for a cell at a step depends on (cell, step, key) alone, so that every cell's noise
is its own, the seed is a run-time number, and the loop over cells vectorises. Each function exists twice, in NumPy and in
C++; the random bits agree exactly, the floating-point results to a few units in the last place (the C++ compiler
may fuse multiplications and additions).

References
----------
salmon2011 (Parallel random numbers: as easy as 1, 2, 3, SC'11) for counters instead of state;
steele2014 (Fast splittable pseudorandom number generators, OOPSLA'14) for the mixing function;
box1958 (Ann. Math. Stat. 29:610-611) for two uniforms to a Gaussian.
"""

from __future__ import annotations

import numpy as np

__all__ = ["CPP_FUNCTIONS", "CPP_SINGLE", "gauss", "heaviside", "random_bits", "uniform", "vexp"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ONE = np.uint64(1)

#: exp is evaluated between these arguments and constant outside, so that no infinity can arise.
_EXP_LOW, _EXP_HIGH = -707.0, 708.0


def _mix(z: np.ndarray) -> np.ndarray:
    """Finaliser of splitmix64 (Stafford's variant 13): a bijection of 64 bits; every input bit reaches every output bit."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


def random_bits(i, step, key) -> np.ndarray:
    """64 random bits for cell ``i`` at ``step`` under ``key``.

    Parameters
    ----------
    i : array_like of int, >= 0
        Number of the cell.
    step : array_like of int, >= 0
        Time in steps of dt.
    key : int
        Which realisation.

    Returns
    -------
    ndarray of uint64, shape broadcast(i, step, key)

    Notes
    -----
    Over the cells this is the output number ``i`` of the splitmix64 generator whose seed is the mixed pair (step, key); only
    the last mixing depends on the cell, the first is done once per step. Two steps share part of their numbers (shifted
    over the cells) with probability below N / 2**63 for N cells.
    """
    with np.errstate(over="ignore"):
        i, step, key = (np.asarray(value).astype(np.uint64) for value in (i, step, key))
        stream = _mix(_mix(key + _GOLDEN) + _GOLDEN * (step + _ONE))
        return _mix(stream + _GOLDEN * (i + _ONE))


def _centred(bits32: np.ndarray) -> np.ndarray:
    """32 random bits, read as a signed integer, to multiples of 2**-32 in [-0.5, 0.5)."""
    return bits32.astype(np.uint32).view(np.int32) * 2.0**-32


def uniform(i, step, key) -> np.ndarray:
    """Uniform random number in [0, 1), a multiple of 2**-32; arguments as in :func:`random_bits`."""
    return _centred(np.atleast_1d(random_bits(i, step, key) >> np.uint64(32))) + 0.5


def gauss(i, step, key) -> np.ndarray:
    """Gaussian random number, mean 0, variance 1; arguments as in :func:`random_bits`.

    Notes
    -----
    Box-Muller: sqrt(-2 ln u) cos(2 pi w), u and w from the upper and lower 32 bits at the centres of 2**32 equal cells,
    so |z| <= 6.76. The C++ version writes the logarithm as 2 artanh((m-1)/(m+1)) + e ln 2 for u = m 2**e with m in
    [0.707, 1.414), and the cosine as an odd polynomial on a quarter wave: no branch and no library call, so that the
    loop vectorises.
    """
    bits = np.atleast_1d(random_bits(i, step, key))
    u = (_centred(bits >> np.uint64(32)) + 0.5) + 2.0**-33
    w = _centred(bits & np.uint64(0xFFFFFFFF)) + 2.0**-33
    return np.sqrt(-2.0 * np.log(u)) * np.sin(2.0 * np.pi * (0.25 - np.abs(w)))


def vexp(x) -> np.ndarray:
    """exp(x) between -707 and 708, of the size of its value there beyond (to 1e18 either way): it never overflows.

    Notes
    -----
    The C++ version is 2**n times the best polynomial of degree 9 for 2**f on [-1/2, 1/2] (n + f = x / ln 2; Remez, error
    equalised): relative error below 1e-13, far below what a step of Euler's method leaves. It has no branches, for the
    library's exp keeps gcc from vectorising a loop. NaN is not kept; the terms beside it in an equation keep theirs.
    """
    return np.exp(np.clip(x, _EXP_LOW, _EXP_HIGH))


def heaviside(x) -> np.ndarray:
    """1 where x >= 0, else 0."""
    return np.greater_equal(x, 0.0).astype(float)


_CPP_MIX = r"""
static inline uint64_t _ns_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
"""

#: C++ twins. ``__builtin_memcpy`` because Brian2 puts this text inside a namespace, where
#: nothing may be included; guarded because it puts it there once per function.
CPP_FUNCTIONS = f"#ifndef NEUROSIM_FUNCTIONS\n#define NEUROSIM_FUNCTIONS{_CPP_MIX}" + r"""
static inline uint64_t _ns_bits(const int64_t i, const int64_t step, const int64_t key)
{
    const uint64_t golden = 0x9E3779B97F4A7C15ULL;
    const uint64_t stream = _ns_mix(_ns_mix((uint64_t)key + golden) + golden * ((uint64_t)step + 1));
    return _ns_mix(stream + golden * ((uint64_t)i + 1));
}
static inline double uniform(const int64_t i, const int64_t step, const int64_t key)
{
    return (double)(int32_t)(_ns_bits(i, step, key) >> 32) * (1.0 / 4294967296.0) + 0.5;
}
static inline double _ns_log(const double x)  // 2**-33 <= x < 1
{
    uint64_t b;
    __builtin_memcpy(&b, &x, 8);
    const uint64_t one = 0x3FF0000000000000ULL;  // bits of 1.0
    const uint64_t k = (b - 0x3FE6A09E667F3BCDULL + one) >> 52;  // 1023 + power of two that leaves m in [0.707, 1.414)
    b = b - (k << 52) + one;
    double m;
    __builtin_memcpy(&m, &b, 8);
    const double s = (m - 1.0) / (m + 1.0), q = s * s;
    double p = 1.0 / 15;
    p = p * q + 1.0 / 13;
    p = p * q + 1.0 / 11;
    p = p * q + 1.0 / 9;
    p = p * q + 1.0 / 7;
    p = p * q + 1.0 / 5;
    p = p * q + 1.0 / 3;
    return (double)((int32_t)k - 1023) * 0.69314718055994530942 + 2.0 * s * (p * q + 1.0);
}
static inline double _ns_sine(const double x)  // |x| <= pi/2
{
    const double q = x * x;
    double p = 1.0 / 355687428096000.0;
    p = p * q - 1.0 / 1307674368000.0;
    p = p * q + 1.0 / 6227020800.0;
    p = p * q - 1.0 / 39916800.0;
    p = p * q + 1.0 / 362880.0;
    p = p * q - 1.0 / 5040.0;
    p = p * q + 1.0 / 120.0;
    p = p * q - 1.0 / 6.0;
    return x * (p * q + 1.0);
}
static inline double gauss(const int64_t i, const int64_t step, const int64_t key)
{
    const uint64_t bits = _ns_bits(i, step, key);
    const double u = ((double)(int32_t)(bits >> 32) * (1.0 / 4294967296.0) + 0.5) + 1.0 / 8589934592.0;
    const double w = (double)(int32_t)(bits & 0xFFFFFFFFULL) * (1.0 / 4294967296.0) + 1.0 / 8589934592.0;
    return sqrt(-2.0 * _ns_log(u)) * _ns_sine(6.28318530717958647693 * (0.25 - fabs(w)));
}
static inline double vexp(const double x)
{
    double y = x * 1.44269504088896340736;
#ifdef __AVX512DQ__
    const double n = rint(y);
    int64_t k = (int64_t)n;
    k = k < -1021 ? -1021 : k;
    k = k > 1022 ? 1022 : k;
#else  // no vector instruction turns a double into a 64-bit integer, or compares two of them
    y = y < -1021.0 ? -1021.0 : y;
    y = y > 1022.0 ? 1022.0 : y;
    const double n = rint(y);
    const int64_t k = (int64_t)(int32_t)n;
#endif
    const double f = y - n;
    double p = 9.1681230009722478566e-8;
    p = p * f + 1.3255182740764667638e-6;
    p = p * f + 1.5258493043374334102e-5;
    p = p * f + 1.5403456036911953442e-4;
    p = p * f + 1.3333547331502898123e-3;
    p = p * f + 9.618129159171819038e-3;
    p = p * f + 5.5504108739711916047e-2;
    p = p * f + 0.24022650695813709767;
    p = p * f + 0.69314718055855055748;
    p = p * f + 1.0;
    int64_t bits;
    __builtin_memcpy(&bits, &p, 8);
    bits += (int64_t)((uint64_t)k << 52);
    __builtin_memcpy(&p, &bits, 8);
    return p;
}
static inline double heaviside(const double x)
{
    return x >= 0.0 ? 1.0 : 0.0;
}
#endif
"""

#: The same in single precision, for the loops over cells of the compiled program. ``vexp``: 2**n times a polynomial of
#: degree 6, relative error below 3e-7 + 1e-7 |x|, constant beyond |x| = 87.3; 1e38 is as far beyond every threshold as
#: 1e307. Its parts are summed two by two: a processor works on several cells at once where none of them is a long chain.
#: ``gauss`` is taken apart, ``gauss_of(random_bits(i, step, key))``: two short loops are faster than one with a long chain;
#: z**2 is 3e-7 (1 + z**2) off, u being rounded to 24 bits.
CPP_SINGLE = _CPP_MIX + r"""
static inline uint64_t _ns_stream(const int64_t step, const int64_t key)
{
    const uint64_t golden = 0x9E3779B97F4A7C15ULL;
    return _ns_mix(_ns_mix((uint64_t)key + golden) + golden * ((uint64_t)step + 1));
}
static inline float _ns_log(const float x)  // 2**-33 <= x <= 1
{
    uint32_t b;
    __builtin_memcpy(&b, &x, 4);
    const uint32_t one = 0x3F800000u;  // bits of 1.0f
    const uint32_t k = (b - 0x3F3504F3u + one) >> 23;  // 127 + power of two that leaves m in [0.707, 1.414)
    b = b - (k << 23) + one;
    float m;
    __builtin_memcpy(&m, &b, 4);
    const float s = (m - 1.0f) / (m + 1.0f), q = s * s;
    const float p = (q * (1.0f / 9) + 1.0f / 7) * (q * q) + (q * (1.0f / 5) + 1.0f / 3);
    return (float)((int32_t)k - 127) * 0.693147181f + 2.0f * s * (p * q + 1.0f);
}
static inline float _ns_sine(const float x)  // |x| <= pi/2
{
    const float q = x * x;
    const float q_2 = q * q;
    const float p_1 = q * (-1.0f / 5040.0f) + 1.0f / 120.0f, p_3 = q * (-1.0f / 39916800.0f) + 1.0f / 362880.0f;
    const float p = (p_3 * q_2 + p_1) * q - 1.0f / 6.0f;
    return x * (p * q + 1.0f);
}
static inline uint64_t random_bits(const int64_t i, const int64_t step, const int64_t key)
{
    return _ns_mix(_ns_stream(step, key) + 0x9E3779B97F4A7C15ULL * ((uint64_t)i + 1));
}
static inline float gauss_of(const uint64_t bits)
{
    const float u = (float)((uint32_t)(bits >> 32) ^ 0x80000000u) * (1.0f / 4294967296.0f) + 1.0f / 8589934592.0f;
    const float w = (float)(int32_t)(bits & 0xFFFFFFFFULL) * (1.0f / 4294967296.0f);
    return sqrtf(-2.0f * _ns_log(u)) * _ns_sine(6.283185307f * (0.25f - fabsf(w)));
}
static inline float vexp(const float x)
{
    float y = x * 1.44269504088896340736f;
    y = y < 126.0f ? y : 126.0f;
    y = y > -126.0f ? y : -126.0f;
    const int32_t k = __builtin_irintf(y);
    const float f = y - (float)k, f_2 = f * f;
    const float p_0 = 6.931472057372638e-1f * f + 1.0f;
    const float p_2 = 5.5503287769704306e-2f * f + 2.4022646890629765e-1f;
    const float p_4 = 1.3399931217853434e-3f * f + 9.618488957570746e-3f;
    float p = ((1.5345811889853683e-4f * f_2 + p_4) * f_2 + p_2) * f_2 + p_0;
    int32_t bits;
    __builtin_memcpy(&bits, &p, 4);
    bits += (int32_t)((uint32_t)k << 23);
    __builtin_memcpy(&p, &bits, 4);
    return p;
}
static inline float clip(const float x, const float low, const float high)
{
    const float y = x < low ? low : x;
    return y > high ? high : y;
}
static inline float heaviside(const int32_t x)
{
    return x >= 0 ? 1.0f : 0.0f;
}
"""

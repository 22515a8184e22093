"""Random streams of a subject.

A stream depends on (seed, subject, purpose) and on nothing else, so every arm and every scan point meets the same brain
and the same noise, and comparisons are paired (DESIGN §5).
"""

from __future__ import annotations

import hashlib

import numpy as np

__all__ = ["stream", "noise_key"]


def _words(purpose: str) -> list[int]:
    digest = hashlib.sha256(purpose.encode()).digest()
    return [int.from_bytes(digest[k : k + 4], "little") for k in range(0, 16, 4)]


def stream(seed: int, subject: int, purpose: str) -> np.random.Generator:
    """Generator of one subject for one purpose.

    Parameters
    ----------
    seed, subject : int
        Root seed of the experiment, number of the subject.
    purpose : str
        What is drawn, for example ``"wiring:DRN_HT__VTA_DA"``. Streams of different purposes are independent, so a change
        of one population leaves the draws of the others as they were.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, subject, *_words(purpose)])))


def noise_key(seed: int, subject: int, purpose: str) -> int:
    """Key of the counter-based noise, an int in [0, 2**62)."""
    return int(stream(seed, subject, purpose).integers(0, 2**62))

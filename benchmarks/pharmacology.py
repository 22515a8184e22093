"""How fast occupancy over dose is: ten thousand points. Run: python benchmarks/pharmacology.py"""

import statistics
import time

import numpy as np

from neurosim.pharmacology import dose_occupancy

REPEATS = 20
POINTS = 10_000


def seconds(function):
    """Median wall time of a call, the first left out (it reads the tables)."""
    function()
    times = []
    for _ in range(REPEATS):
        since = time.perf_counter()
        function()
        times.append(time.perf_counter() - since)
    return statistics.median(times)


def curve():
    doses = np.geomspace(1e-3, 10, POINTS)
    return dose_occupancy(
        "haloperidol", doses, "D2", "human", "oral", at="12 h", transmitter="45 nM", ii="24 h", ss=True
    )


if __name__ == "__main__":
    print(f"dose-occupancy, {POINTS} points, steady state: {1e3 * seconds(curve):.2f} ms")

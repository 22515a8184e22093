"""How fast pharmacology is, without cells: medians. Run: python benchmarks/pharmacology.py"""

import itertools
import statistics
import time
from types import SimpleNamespace

import numpy as np

from neurosim.pharmacology import dose_occupancy, exposure

REPEATS = 20
POINTS = 10_000
YEAR = 365 * 86400.0


def seconds(function):
    """Median wall time of a call, the first left out (it reads the tables)."""
    function()
    times = []
    for _ in range(REPEATS):
        since = time.perf_counter()
        function()
        times.append(time.perf_counter() - since)
    return statistics.median(times)


def year(t):
    """A year of twice-daily doses of a drug with an active metabolite."""
    doses = [SimpleNamespace(drug="fluoxetine", dose=0.3, route="oral", time=0.0, ii=43200.0, addl=729)]
    return exposure(doses, "human", t)


def curve():
    """Occupancy over ten thousand doses at steady state."""
    doses = np.geomspace(1e-3, 10, POINTS)
    return dose_occupancy(
        "haloperidol", doses, "D2", "human", "oral", at="12 h", transmitter="45 nM", ii="24 h", ss=True
    )


if __name__ == "__main__":
    print(f"a year twice daily, 1000 times: {1e3 * seconds(lambda: year(np.linspace(0, YEAR, 1000))):.2f} ms")
    fresh = itertools.count()  # a time that was asked for before is remembered
    print(f"a year twice daily, one time:   {1e3 * seconds(lambda: year(YEAR - next(fresh))):.2f} ms")
    print(f"dose-occupancy, {POINTS} points, steady state: {1e3 * seconds(curve):.2f} ms")

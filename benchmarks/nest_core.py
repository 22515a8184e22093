"""The core network (:mod:`networks`) in NEST 3.10: ``python nest_core.py PLAN.npz``, in any Python that has NEST.

Builds, then reads lengths in ms from its input, one a line, simulates each and answers with one line of JSON. Needs nothing
of ours. Where NEST differs: ``aeif_cond_exp`` is integrated by an adaptive Runge-Kutta-Fehlberg scheme, not by Euler's,
and a cell that passes V_peak is reset there and then, not at the end of the step.
"""

from __future__ import annotations

import json
import sys
import time

import nest
import numpy as np

#: Model time (ms) that is not timed.
WARM_UP = 50.0


def build(plan: np.lib.npyio.NpzFile) -> None:
    """Cells, noise and synapses, on one thread."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.local_num_threads = 1
    nest.resolution = float(plan["dt"]) * 1e3
    cell = {
        name: float(plan[name])
        for name in ("C_m", "g_L", "E_L", "V_th", "Delta_T", "V_reset", "V_peak", "t_ref")
    }
    cell |= {
        name: float(plan[name])
        for name in ("tau_w", "a", "b", "E_ex", "E_in", "tau_syn_ex", "tau_syn_in", "I_e")
    }
    cells = nest.Create("aeif_cond_exp", int(plan["n"]), params=cell)
    cells.V_m = plan["V_m"]
    noise = nest.Create("noise_generator", params={"mean": 0.0, "std": float(plan["noise_std"]), "dt": 1.0})
    nest.Connect(noise, cells)
    first = cells[0].global_id
    for kind in ("ex", "in"):
        nest.Connect(
            plan[f"pre_{kind}"].astype(np.int64) + first,
            plan[f"post_{kind}"].astype(np.int64) + first,
            conn_spec="one_to_one",
            syn_spec={
                "synapse_model": "static_synapse",
                "weight": plan[f"weight_{kind}"],
                "delay": plan[f"delay_{kind}"],
            },
        )


def main(path: str) -> None:
    with np.load(path) as plan:
        build(plan)
    # the first call also lays out the tables of connections; after it the cells have settled
    nest.Simulate(WARM_UP)
    print(json.dumps({"version": nest.__version__}), flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        nest.Simulate(float(line))
        loop = time.perf_counter() - started
        # the counter starts anew with every call
        print(json.dumps({"loop_time": loop, "n_spikes": nest.local_spike_counter}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

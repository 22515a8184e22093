"""Plan → values of the network's variables, ``group.variable`` → array: what both targets load before a run."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from neurosim.build.plan import CARRIERS, SLOW_STEP, Plan, Structure, Wiring
from neurosim.errors import EngineError
from neurosim.models import KINDS_OF_CELL, MG_HALF, gate_names

__all__ = ["connections", "require_whole_steps", "sample_ratio", "slow_ratio", "values"]

#: Recovery time constants below this part of dt are replaced by it, so that facilitation without memory needs no branch.
_INSTANT = 1e-2
#: Constants of a terminal and of a site.
_TERMINALS = ("quantum", "n_healthy", "U", "tau_rec", "nu_relax", "speed_settle", "Q_0", "filling_max") + (
    *("k_v", "k_m", "leak", "J_syn", "efflux_max", "K_S", "seep", "living", "per_living"),
)
_SITES = ("near", "K", "tau", "X", "S", "tau_0", "B", "S_B", "k_off", "k_off_settle", "relax", "relax_settle")


def slow_ratio(structure: Structure) -> int:
    """Fast steps in a slow step.

    Raises
    ------
    EngineError
        If dt does not divide the slow step.
    """
    ratio = round(SLOW_STEP / structure.dt)
    if ratio < 1 or not np.isclose(ratio * structure.dt, SLOW_STEP, rtol=1e-9):
        raise EngineError(
            f"dt = {structure.dt:g} s; allowed: a whole part of the slow step of {SLOW_STEP:g} s"
        )
    return ratio


def sample_ratio(structure: Structure) -> int:
    """Slow steps between samples of the traces."""
    ratio = round(structure.dt_trace / SLOW_STEP)
    if ratio < 1 or not np.isclose(ratio * SLOW_STEP, structure.dt_trace, rtol=1e-9):
        raise EngineError(
            f"dt_trace = {structure.dt_trace:g} s; allowed: a multiple of the slow step of {SLOW_STEP:g} s"
        )
    return ratio


def require_whole_steps(plan: Plan) -> None:
    """Raise EngineError unless a plan settles and records for whole slow steps, and records at all."""
    per_slow = slow_ratio(plan.structure)
    for name, least in (("settle_steps", 0), ("record_steps", per_slow)):
        steps = getattr(plan, name)
        if steps < least or steps % per_slow:
            raise EngineError(f"plan: {name} = {steps}; allowed: multiples of {per_slow}, at least {least}")


def _by_source(wiring: Wiring) -> np.ndarray | slice:
    """Order in which synapses are laid out: by source, then delay, so that what arrives at once is read in one go."""
    pre, delay = wiring.pre, wiring.delay
    later = (pre[1:] > pre[:-1]) | ((pre[1:] == pre[:-1]) & (delay[1:] >= delay[:-1]))
    # trials lay theirs out once, not for every phase
    return slice(None) if later.all() else np.lexsort((delay, pre))


def _in_range(name: str, indices: np.ndarray, n: int) -> np.ndarray:
    """Indices as int32; the compiled program believes them."""
    indices = np.asarray(indices)
    if indices.size and not 0 <= indices.min() <= indices.max() < n:
        raise EngineError(f"plan: {name} points at {indices.min()} to {indices.max()}; allowed: 0 to {n - 1}")
    return indices.astype(np.int32, copy=False)


def connections(plan: Plan, without: Collection[str] = ()) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Sources and targets of every Synapses object that the structure has, ``without`` some groups of synapses.

    Raises
    ------
    EngineError
        If one of them does not exist, or there are more or fewer connections than the structure says.
    """
    s = plan.structure
    sites, terminals, own = plan.terminal_links, plan.cell_terminals, plan.site_links
    links = {
        "release_links": (
            np.arange(s.n_terminals),
            s.n_terminals,
            plan.terminals["pool"],
            s.n_pools,
            s.n_terminals,
        ),
        "uptake_links": (
            plan.terminals["pool"],
            s.n_pools,
            np.arange(s.n_terminals),
            s.n_terminals,
            s.n_terminals,
        ),
        "counted": (terminals["cell"], s.n_cells, terminals["terminal"], s.n_terminals, s.n_cell_terminals),
        "cross": (plan.cross["partner"], s.n_pools, plan.cross["pool"], s.n_pools, s.n_cross),
        "terminal_links": (sites["site"], s.n_sites, sites["terminal"], s.n_terminals, s.n_terminal_links),
        "site_links": (own["site"], s.n_sites, own["cell_class"], s.n_classes, s.n_site_links),
    }
    for group in s.synapses:
        if group.name in without:
            continue
        wiring = plan.wiring[group.name]
        order = _by_source(wiring)
        links[group.name] = wiring.pre[order], s.n_cells, wiring.post[order], s.n_cells, group.n
    checked = {}
    for name, (i, n_i, j, n_j, n) in links.items():
        if not len(i) == len(j) == n:
            raise EngineError(f"plan: {name} has {len(i)} sources and {len(j)} targets; allowed: {n} of each")
        if n:
            checked[name] = _in_range(f"{name} (sources)", i, n_i), _in_range(f"{name} (targets)", j, n_j)
    return checked


def _cells(plan: Plan) -> dict[str, np.ndarray | float]:
    s, cells, kinds = plan.structure, plan.cells, plan.kinds
    out: dict[str, np.ndarray | float] = {
        name: cells[name]
        for name in (
            *("inv_C_m", "g_L", "E_L", "V_T", "V_r", "V_peak", "a", "b", "E_GABA"),
            *("kappa", "I_b", "b_relax", "drive", "ou_decay", "ou_kick"),
        )
    }
    out |= {
        "cell_class": _in_range("cells.cell_class", cells["cell_class"], s.n_classes),
        "v": cells["v_0"],
        "inv_Delta_T": 1.0 / cells["Delta_T"],
        "I_exp": cells["g_L"] * cells["Delta_T"],
        "inv_tau_w": 1.0 / cells["tau_w"],
        "inv_tau_GABA": 1.0 / cells["tau_GABA"],
        "n_ref": np.rint(cells["t_ref"] / s.dt).astype(np.int32),
        "V_Te": cells["V_T"],
        "noise_key": plan.noise_key,
    }
    for kind in (kind for kind in s.fast_kinds if kind not in KINDS_OF_CELL):
        out |= {f"E_{kind}": kinds[f"E_{kind}"], f"inv_tau_decay_{kind}": 1.0 / kinds[f"tau_decay_{kind}"]}
    for kind in s.slow_kinds:
        out |= {
            f"E_{kind}": kinds[f"E_{kind}"],
            f"decay_{kind}": np.exp(-SLOW_STEP / kinds[f"tau_decay_{kind}"]),
        }
    for kind in s.rising_kinds:
        out[f"rise_{kind}"] = np.exp(-SLOW_STEP / kinds[f"tau_rise_{kind}"])
    if "NMDA" in s.fast_kinds:
        out["Mg_ratio"] = kinds["Mg"] / MG_HALF
    for k in range(s.n_stimuli):
        out[f"stim_{k}"] = cells[f"stim_{k}"]
        for name in ("amplitude", "probability", "on", "off", "key"):
            out[f"{name}_{k}"] = plan.stimuli[name][k]
        # Unused slots may leave these at 0; the remainder by 0 is not defined.
        out |= {f"{name}_{k}": max(1, plan.stimuli[name][k]) for name in ("period", "width")}
    return out


def _small_groups(plan: Plan) -> dict[str, dict]:
    s = plan.structure
    settle = plan.settle_steps // slow_ratio(s)
    links, gates = plan.site_links, gate_names((*s.fast_kinds, *s.slow_kinds), s.n_gates)
    terminals = {key: plan.terminals[key] for key in ("pool", *_TERMINALS)}
    terminals |= {"S": plan.terminals["S_0"], "Q": plan.terminals["Q_start"]}
    pools = {"c": plan.pools["c_0"], "k_out": plan.pools["k_out"], "speed_settle": plan.pools["speed_settle"]}
    pools |= {f"{name}_{X}": plan.pools[f"{name}_{X}"] for X in CARRIERS for name in ("V", "K", "B")}
    sites = {"a": plan.sites["a_0"], "rho": plan.sites["rho_0"]}
    sites |= {name: plan.sites[name] for name in ("pool", "near_terminal", *_SITES)}
    for name, n in (("pool", s.n_pools), ("near_terminal", s.n_terminals)):
        sites[name] = _in_range(f"sites.{name}", sites[name], max(n, 1))
    one = np.ones(s.n_terminals)
    return {
        "terminals": _inhabited(terminals | {"D": one, "gain": one}, s.n_terminals) | {"settle": settle},
        "pools": _inhabited(pools, s.n_pools) | {"settle": settle},
        "sites": _inhabited(sites, s.n_sites) | {"settle": settle},
        "gates": {name: np.full(s.n_classes, float(base)) for name, (_, base) in gates.items()},
        "cross": {f"k_{X}": plan.cross[f"k_{X}"] for X in CARRIERS},
        "terminal_links": {"factor": plan.terminal_links["factor"]},
        "uptake_links": {f"own_{X}": plan.uptake_links[f"V_{X}"] for X in CARRIERS},
        "site_links": {f"k_{name}": links[name] for name in gates},
    }


def _synapses(plan: Plan, without: Collection[str]) -> dict[str, dict[str, np.ndarray]]:
    out, cell_class = {}, plan.cells["cell_class"]
    for group in plan.structure.synapses:
        if group.name in without:
            continue
        wiring = plan.wiring[group.name]
        shortest = np.min(wiring.delay, initial=np.inf)
        if shortest < plan.structure.dt / 2:
            raise EngineError(
                f"plan: {group.name}.delay is {shortest:g} s; allowed: at least one step ({plan.structure.dt:g} s)"
            )
        order = _by_source(wiring)
        own = {"weight": wiring.weight, "delay": wiring.delay, "target": cell_class[wiring.post]}
        if group.gate >= 0:
            own["origin"] = cell_class[wiring.pre]
        if group.plastic:
            shortest = _INSTANT * plan.structure.dt
            own |= {"U": wiring.U, "tau_rec": np.maximum(wiring.tau_rec, shortest)}
            own |= {"tau_fac": np.maximum(wiring.tau_fac, shortest), "x": np.ones(group.n)}
        out[group.name] = {name: np.asarray(value)[order] for name, value in own.items()}
    return out


def _inhabited(table: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """The table, or one idle row of ones for a group without members: the network gives each group at least one."""
    if n:
        return table
    return {name: np.ones(1, value.dtype) * (value.dtype.kind == "f") for name, value in table.items()}


def values(plan: Plan, without: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Every variable that does not start at zero.

    Parameters
    ----------
    plan : Plan
    without : collection of str
        Groups of synapses that are left out.

    Returns
    -------
    dict
        ``group.variable`` → array of shape (n,) or (1,) for shared ones, in the plan's units. Groups without members are
        left out.

    Raises
    ------
    EngineError
        If an array holds NaN or infinity, with its name and first place, or an index of what does not exist.
    """
    groups = {"cells": _cells(plan)} | _small_groups(plan) | _synapses(plan, without)
    if plan.structure.n_voltages:
        groups["voltages"] = {
            "_indices": _in_range("voltage_cells", plan.voltage_cells, plan.structure.n_cells)
        }
    out = {
        f"{group}.{name}": np.atleast_1d(np.asarray(value))
        for group, own in groups.items()
        for name, value in own.items()
    }
    out = {name: value for name, value in out.items() if value.size}
    for name, value in out.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            place = int(np.flatnonzero(~np.isfinite(value))[0])
            raise EngineError(f"plan: {name}[{place}] is {value[place]}; allowed: finite numbers")
    return out

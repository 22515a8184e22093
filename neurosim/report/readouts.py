"""What of a summary the page shows as rows: rates, levels of each transmitter, the balance, or activation alone."""

from __future__ import annotations

from neurosim.report.figures import Readout

__all__ = ["activation", "readouts_of"]


def readouts_of(results) -> tuple[Readout, ...]:
    """Rates, concentrations by transmitter and the balance; without spikes the activation of receptors."""
    if not results.has_spikes:
        return (activation(results),)
    summary = results.summary
    found = [
        Readout("rates", "Firing rates", "rates/firing_rate", summary["rates"]["firing_rate"].load(), "population", "Hz", {})
    ]
    levels = summary["pools"]["concentration"].load()
    for k, transmitter in enumerate(levels.transmitter.values.tolist()):
        own = levels.sel(transmitter=transmitter, drop=True)
        at, title = {"transmitter": transmitter}, f"Extracellular {transmitter}"
        found.append(Readout(f"level-{k}", title, "pools/concentration", own, "region", "nM", at))
    balance = summary["balance"]["balance"].load()
    found.append(Readout("balance", "Balance", "balance/balance", balance, "region", "log2 units", {}, is_shift=True))
    return tuple(readout for readout in found if readout.names)


def activation(results) -> Readout:
    """How active receptors are, a row per site, as a part of the most there can be."""
    values = results.summary["receptors"]["activation"].load()
    return Readout("activation", "Activation of receptors", "receptors/activation", values, "site", "of the maximum", {})

"""Importing Brian2 without its habits: it takes over how Python shows errors, and warns of what is meant."""

from __future__ import annotations

import sys

__all__ = ["import_brian2"]


def import_brian2():
    """The module brian2; the process's way of showing uncaught errors stays as it was."""
    hook = sys.excepthook
    import brian2

    sys.excepthook = hook
    # Spikes of cells (fast clock) are counted in terminals (slow clock): that is what the two clocks are for.
    brian2.BrianLogger.suppress_name("synapses_dt_mismatch")
    return brian2

"""Importing Brian2 without its habits: it takes over how Python shows errors and what an interrupt does."""

from __future__ import annotations

import signal
import sys
import threading

__all__ = ["import_brian2"]

_lock = threading.Lock()


def import_brian2():
    """The module brian2; uncaught errors and interrupts of this process are treated as before.

    Brian2's own answer to an interrupt is to end a run early as if it were whole. It also cannot be imported in a
    thread other than the first, for there nobody may say what an interrupt does.
    """
    with _lock:
        if "brian2" not in sys.modules:
            _import()
    return sys.modules["brian2"]


def _import() -> None:
    hook, install = sys.excepthook, signal.signal
    signal.signal = lambda number, handler: signal.getsignal(number)
    try:
        import brian2
    finally:
        signal.signal = install
        sys.excepthook = hook
    # Spikes of cells (fast clock) are counted in terminals (slow clock): that is what the two clocks are for.
    brian2.BrianLogger.suppress_name("synapses_dt_mismatch")
    # Links that write a value, not add one, have one target each: no order to depend on.
    brian2.BrianLogger.suppress_hierarchy("brian2.codegen.generators.base")

"""Readouts: one function each, from the results of an experiment to a number in a stated unit.

To add one, write a function of results and keyword arguments in the module of its kind and decorate it with
:func:`~neurosim.validation.registry.readout`; a new module is imported here.
"""

from neurosim.validation import (  # noqa: F401  they register what they hold
    cell_readouts,
    firing_readouts,
    level_readouts,
    occupancy_readouts,
    signal_readouts,
)
from neurosim.validation.registry import Reading, Readout, get_readout, readout, readout_names

__all__ = ["Reading", "Readout", "get_readout", "readout", "readout_names"]

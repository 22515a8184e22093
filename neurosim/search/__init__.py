"""Looking for the point of a scan at which a readout is best; what is known lies in the results folder alone."""

from neurosim.search.loop import Optimum, optimise

__all__ = ["Optimum", "optimise"]

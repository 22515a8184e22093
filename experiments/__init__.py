"""Experiment files that ship with neurosim, found by name from anywhere."""

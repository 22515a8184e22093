"""Circuit files that ship with neurosim, found by name from anywhere."""

"""Disorders that ship: presets of measured alterations, one file each. Data only, see :mod:`neurosim.spec`."""

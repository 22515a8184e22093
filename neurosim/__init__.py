"""How dopamine and serotonin keep each other in balance, and what drugs, lesions and disease do to that balance.

The names below are the whole public interface; each is loaded when it is first used, so that importing neurosim is cheap.

>>> import neurosim as ns
>>> occupancy = ns.occupancy({"haloperidol": "2 nM"}, receptor="D2", transmitter="40 nM")
>>> sorted(occupancy)
['DA', 'haloperidol']
"""

import importlib

__version__ = "0.1.0"

_HOME = {
    "load_circuit": "neurosim.spec",
    "load_experiment": "neurosim.spec",
    "Circuit": "neurosim.spec",
    "Experiment": "neurosim.spec",
    "run": "neurosim.runner",
    "open_results": "neurosim.analysis",
    "sensitivity": "neurosim.analysis",
    "optimise": "neurosim.search",
    "occupancy": "neurosim.pharmacology",
    "NeurosimError": "neurosim.errors",
    "SpecError": "neurosim.errors",
    "UnitError": "neurosim.errors",
    "ReferenceDataError": "neurosim.errors",
    "BuildError": "neurosim.errors",
    "EngineError": "neurosim.errors",
    "ResultSchemaError": "neurosim.errors",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name):
    """Load a public name from its room at first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'neurosim' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})

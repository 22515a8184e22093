"""Result schema, write and read.

``DIR/trials/<key>.h5`` holds one trial (``block-<hash>.h5`` many without spikes), ``DIR/summary.h5`` the
numbers of all; they are netCDF-4 that
xarray, h5py and ncdump open without neurosim. What they hold is the table
:data:`~neurosim.recording.schema.VARIABLES`.
"""

from neurosim.recording.blocks import (
    BLOCK_GROUPS,
    Block,
    block_headers,
    block_paths,
    block_records,
    load_block_trial,
    write_block,
)
from neurosim.recording.files import clean_attributes, open_tree, sweep, write_tree
from neurosim.recording.provenance import cpu_type, environment
from neurosim.recording.schema import (
    COLUMNS,
    OUTCOMES,
    OUTCOMES_WITH_DATA,
    SCHEMA,
    VARIABLES,
    PhaseContext,
    PhaseResult,
    PopulationInfo,
    SiteInfo,
    SpikeTrains,
    TrialResult,
    Variable,
)
from neurosim.recording.trials import (
    TrialRecord,
    load_spikes,
    load_trial,
    names_in,
    read_header,
    read_record,
    record_of,
    trial_path,
    write_trial,
)

__all__ = [
    "BLOCK_GROUPS",
    "COLUMNS",
    "OUTCOMES",
    "OUTCOMES_WITH_DATA",
    "SCHEMA",
    "VARIABLES",
    "Block",
    "PhaseContext",
    "PhaseResult",
    "PopulationInfo",
    "SiteInfo",
    "SpikeTrains",
    "TrialRecord",
    "TrialResult",
    "Variable",
    "block_headers",
    "block_paths",
    "block_records",
    "clean_attributes",
    "cpu_type",
    "environment",
    "load_block_trial",
    "load_spikes",
    "load_trial",
    "names_in",
    "open_tree",
    "phase_context",
    "phase_result",
    "read_header",
    "read_record",
    "record_of",
    "sweep",
    "trial_path",
    "write_block",
    "write_tree",
    "write_trial",
]


def __getattr__(name):
    """``phase_context`` and ``phase_result`` at first use: reading results needs nothing that builds."""
    if name in ("phase_context", "phase_result"):
        from neurosim.recording import phase

        return getattr(phase, name)
    raise AttributeError(f"module 'neurosim.recording' has no attribute {name!r}")

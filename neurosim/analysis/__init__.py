"""What came out: spike statistics, balance, paired comparisons, fits, tables as data, figures. Knows no engine."""

import importlib

from neurosim.analysis.balance import balance
from neurosim.analysis.compare import compare
from neurosim.analysis.frames import frame_of_comparison, frame_of_results
from neurosim.analysis.influence import Influence, influences
from neurosim.analysis.known import known_headers, known_records
from neurosim.analysis.outcome import classify
from neurosim.analysis.readout import readout, select
from neurosim.analysis.results import Results, open_results, spike_trains
from neurosim.analysis.sensitivity import axis_ends, sensitivity
from neurosim.analysis.spikes import (
    active_fraction,
    burst_fraction,
    cell_burst_fractions,
    cell_cv2,
    cell_cv_isi,
    cell_rates,
    cv2,
    cv_isi,
    firing_rate,
    firing_rate_active,
    spikes_in_bursts,
    trial_rates,
)
from neurosim.analysis.summary import SUMMARY, Axis, assemble_summary, write_summary
from neurosim.analysis.table import Cell, TableRow, summary_table

#: Loaded at first use: Matplotlib and much of SciPy are slow to import and few need them.
_HOME = {
    "overview_figure": "plots",
    "save_figure": "plots",
    "CrossCorrelation": "correlation",
    "cross_correlation": "correlation",
    "DoseResponse": "fits",
    "fit_dose_response": "fits",
    "Spectrum": "rhythms",
    "binned_counts": "rhythms",
    "population_spectrum": "rhythms",
    "spectrum": "rhythms",
    "synchrony": "rhythms",
    "Course": "responses",
    "Responses": "responses",
    "course": "responses",
    "drug_responses": "responses",
    "psth": "responses",
    "pulse_responses": "responses",
    "sweep_counts": "responses",
    "EvokedPeaks": "signals",
    "dialysate": "signals",
    "evoked_peaks": "signals",
    "stimulus_onsets": "stimuli",
}

__all__ = [
    "SUMMARY",
    "Axis",
    "Cell",
    "Influence",
    "Results",
    "TableRow",
    "active_fraction",
    "assemble_summary",
    "axis_ends",
    "balance",
    "burst_fraction",
    "cell_burst_fractions",
    "cell_cv2",
    "cell_cv_isi",
    "cell_rates",
    "classify",
    "compare",
    "cv2",
    "cv_isi",
    "firing_rate",
    "firing_rate_active",
    "frame_of_comparison",
    "frame_of_results",
    "influences",
    "known_headers",
    "known_records",
    "open_results",
    "readout",
    "select",
    "sensitivity",
    "spike_trains",
    "spikes_in_bursts",
    "summary_table",
    "trial_rates",
    "write_summary",
    *_HOME,
]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'neurosim.analysis' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(f"neurosim.analysis.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})

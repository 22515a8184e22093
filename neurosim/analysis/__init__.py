"""What came out: spike statistics, balance, paired comparisons, tables as data, figures. Knows no engine."""

from neurosim.analysis.balance import balance
from neurosim.analysis.compare import compare
from neurosim.analysis.influence import Influence, influences
from neurosim.analysis.known import known_headers, known_records
from neurosim.analysis.outcome import classify
from neurosim.analysis.readout import readout
from neurosim.analysis.results import Results, open_results, spike_trains
from neurosim.analysis.sensitivity import axis_ends, sensitivity
from neurosim.analysis.spikes import trial_rates
from neurosim.analysis.summary import SUMMARY, Axis, assemble_summary, write_summary
from neurosim.analysis.table import Cell, TableRow, summary_table

__all__ = [
    "SUMMARY",
    "Axis",
    "Cell",
    "Influence",
    "Results",
    "TableRow",
    "assemble_summary",
    "axis_ends",
    "balance",
    "classify",
    "compare",
    "influences",
    "known_headers",
    "known_records",
    "open_results",
    "overview_figure",
    "readout",
    "save_figure",
    "sensitivity",
    "spike_trains",
    "summary_table",
    "trial_rates",
    "write_summary",
]


def __getattr__(name):
    """Figures at first use: Matplotlib is slow to import and few need it."""
    if name in ("overview_figure", "save_figure"):
        from neurosim.analysis import plots

        return getattr(plots, name)
    raise AttributeError(f"module 'neurosim.analysis' has no attribute {name!r}")

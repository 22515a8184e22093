"""Published numbers against the model: rows, readouts, verdicts (MODEL §8: nothing is fitted to them).

A file of rows says for each target row which experiment predicts it and by which readout; the readouts are a registry.
"""

from neurosim.validation.readouts import Reading, Readout, get_readout, readout, readout_names
from neurosim.validation.report import Score, published, release_scores, scored_within, write_scores
from neurosim.validation.rows import ROWS_FILE, check_rows, chosen, read_rows
from neurosim.validation.run import validate
from neurosim.validation.scatter import scatter_figure
from neurosim.validation.scoreboard import Tally, tally
from neurosim.validation.verdict import VERDICTS, Verdict, judge

__all__ = [
    "ROWS_FILE",
    "VERDICTS",
    "Reading",
    "Readout",
    "Score",
    "Tally",
    "Verdict",
    "check_rows",
    "chosen",
    "get_readout",
    "judge",
    "published",
    "read_rows",
    "readout",
    "readout_names",
    "release_scores",
    "scatter_figure",
    "scored_within",
    "tally",
    "validate",
    "write_scores",
]

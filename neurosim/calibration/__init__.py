"""Fitting a circuit's free values to its calibration rows, and to nothing else (MODEL §8)."""

from neurosim.calibration.calibrate import Calibrated, CalibratedRow, FittedGain, Listener, calibrate
from neurosim.calibration.report import gain_table, report, row_table

__all__ = [
    "Calibrated",
    "CalibratedRow",
    "FittedGain",
    "Listener",
    "calibrate",
    "gain_table",
    "report",
    "row_table",
]

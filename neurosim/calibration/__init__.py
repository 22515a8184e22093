"""Fitting a circuit's free values to its calibration rows, and to nothing else (MODEL §8)."""

from neurosim.calibration.calibrate import Calibrated, CalibratedRow, Listener, calibrate

__all__ = ["Calibrated", "CalibratedRow", "Listener", "calibrate"]

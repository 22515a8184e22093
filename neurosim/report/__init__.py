"""A results folder as one page for someone who did not run the experiment."""

from neurosim.report.page import REPORT, write_report

__all__ = ["REPORT", "write_report"]

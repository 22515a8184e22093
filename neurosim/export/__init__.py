"""Results for other programs: NWB, CSV."""

from neurosim.export.nwb import Exported, Skipped, export_nwb
from neurosim.export.tables import export_csv

__all__ = ["Exported", "Skipped", "export_csv", "export_nwb"]

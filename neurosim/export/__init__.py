"""Results for other programs (NWB, CSV), and file schemas for editors."""

from neurosim.export.nwb import Exported, Skipped, export_nwb
from neurosim.export.schemas import KINDS, editor_schema, schema_file
from neurosim.export.tables import export_csv

__all__ = ["KINDS", "Exported", "Skipped", "editor_schema", "export_csv", "export_nwb", "schema_file"]

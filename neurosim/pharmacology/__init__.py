"""From a dose to numbers for the network: pharmacokinetics, competition at receptors, block of carriers.

Pure functions of the reference tables. Concentrations are nM, times s, doses mg/kg.
"""

from neurosim.pharmacology.binding import (
    CarrierBlock,
    DrugTerms,
    SiteConstants,
    activation,
    activation_limit,
    carrier_block,
    drug_terms,
    equilibrium,
    free_fraction,
    occupancies,
    occupancy,
    site_constants,
)
from neurosim.pharmacology.metabolism import metabolite_names, pk_provenance
from neurosim.pharmacology.occupancy_table import OccupancyTable, occupancy_table
from neurosim.pharmacology.parameters import (
    Absorption,
    PKNumber,
    PKParameters,
    absorption,
    pk_parameters,
)
from neurosim.pharmacology.pk import exposure, plasma, plasma_modes
from neurosim.pharmacology.report import Course, PKReport, pk_report, usual_route
from neurosim.pharmacology.targets import TargetReport, ligand_name, report_targets, require_expressible

__all__ = [
    "Absorption",
    "CarrierBlock",
    "Course",
    "DrugTerms",
    "OccupancyTable",
    "PKNumber",
    "PKParameters",
    "PKReport",
    "SiteConstants",
    "TargetReport",
    "absorption",
    "activation",
    "activation_limit",
    "carrier_block",
    "drug_terms",
    "equilibrium",
    "exposure",
    "free_fraction",
    "ligand_name",
    "metabolite_names",
    "occupancies",
    "occupancy",
    "occupancy_table",
    "pk_parameters",
    "pk_provenance",
    "pk_report",
    "plasma",
    "plasma_modes",
    "report_targets",
    "require_expressible",
    "site_constants",
    "usual_route",
]

"""From a dose to numbers for the network: pharmacokinetics, competition at receptors, block of carriers.

Pure functions of the reference tables. Concentrations are nM, times s, doses mg/kg.
"""

from neurosim.pharmacology.binding import (
    DrugTerms,
    SiteConstants,
    activation,
    activation_limit,
    drug_terms,
    equilibrium,
    free_fraction,
    occupancies,
    occupancy,
    site_constants,
)
from neurosim.pharmacology.chemistry import (
    VESICULAR,
    CarrierTerms,
    Chemistry,
    carrier_terms,
    chemistry,
    degradation,
    inactivation_rates,
    made_from_precursors,
    native_synthesis,
    opened,
    outside_loss,
)
from neurosim.pharmacology.parameters import (
    Absorption,
    PKNumber,
    PKParameters,
    absorption,
    pk_parameters,
    pk_provenance,
)
from neurosim.pharmacology.pk import exposure, plasma_modes
from neurosim.pharmacology.report import OccupancyTable, PKReport, occupancy_table, pk_report
from neurosim.pharmacology.targets import TargetReport, ligand_name, report_targets

__all__ = [
    "Absorption",
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
    "drug_terms",
    "equilibrium",
    "exposure",
    "free_fraction",
    "ligand_name",
    "occupancies",
    "occupancy",
    "occupancy_table",
    "pk_parameters",
    "pk_provenance",
    "pk_report",
    "plasma_modes",
    "report_targets",
    "VESICULAR",
    "CarrierTerms",
    "Chemistry",
    "carrier_terms",
    "chemistry",
    "degradation",
    "inactivation_rates",
    "made_from_precursors",
    "native_synthesis",
    "opened",
    "outside_loss",
    "site_constants",
]

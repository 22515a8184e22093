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
from neurosim.pharmacology.kinetics import (
    bound_equilibrium,
    bound_rhs,
    bound_step,
    is_slow,
    koff,
    readout,
    slow_ligands,
    slow_terms,
    split_terms,
)
from neurosim.pharmacology.knowledge import Knowledge, affinity_pairs, draw_factors
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
from neurosim.pharmacology.targets import TargetReport, acts_outside, ligand_name, report_targets

__all__ = [
    "VESICULAR",
    "Absorption",
    "CarrierTerms",
    "Chemistry",
    "Course",
    "DrugTerms",
    "Knowledge",
    "OccupancyTable",
    "PKNumber",
    "PKParameters",
    "PKReport",
    "SiteConstants",
    "TargetReport",
    "absorption",
    "activation",
    "acts_outside",
    "activation_limit",
    "affinity_pairs",
    "bound_equilibrium",
    "bound_rhs",
    "bound_step",
    "carrier_terms",
    "chemistry",
    "degradation",
    "draw_factors",
    "drug_terms",
    "equilibrium",
    "exposure",
    "free_fraction",
    "inactivation_rates",
    "is_slow",
    "koff",
    "ligand_name",
    "made_from_precursors",
    "metabolite_names",
    "native_synthesis",
    "occupancies",
    "occupancy",
    "occupancy_table",
    "opened",
    "outside_loss",
    "pk_parameters",
    "pk_provenance",
    "pk_report",
    "plasma",
    "plasma_modes",
    "readout",
    "report_targets",
    "site_constants",
    "slow_ligands",
    "slow_terms",
    "split_terms",
    "usual_route",
]

"""From a dose to numbers for the network: pharmacokinetics, competition at receptors, block of carriers.

Pure functions of the reference tables. Concentrations are nM, times s, doses mg/kg.
"""

from neurosim.pharmacology.binding import (
    DrugTerms,
    SiteConstants,
    activation,
    activation_limit,
    binders,
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
from neurosim.pharmacology.competition import per_nM, transmitter_name, transmitter_per_nM
from neurosim.pharmacology.curves import DoseOccupancy, dose_occupancy
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
from neurosim.pharmacology.pet import BindingPotential, binding_potential, free_part
from neurosim.pharmacology.pk import exposure, plasma, plasma_modes
from neurosim.pharmacology.report import Course, PKReport, pk_report, usual_route
from neurosim.pharmacology.targets import TargetReport, acts_outside, ligand_name, report_targets

__all__ = [
    "VESICULAR",
    "Absorption",
    "BindingPotential",
    "CarrierTerms",
    "Chemistry",
    "Course",
    "DoseOccupancy",
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
    "activation_limit",
    "acts_outside",
    "affinity_pairs",
    "binding_potential",
    "binders",
    "bound_equilibrium",
    "bound_rhs",
    "bound_step",
    "carrier_terms",
    "chemistry",
    "degradation",
    "dose_occupancy",
    "draw_factors",
    "drug_terms",
    "equilibrium",
    "exposure",
    "free_fraction",
    "free_part",
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
    "per_nM",
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
    "transmitter_name",
    "transmitter_per_nM",
    "usual_route",
]

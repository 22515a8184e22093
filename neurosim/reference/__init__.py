"""Tables of published numbers, each with its citation, and the way to look things up in them.

A table is a CSV file under ``data``; ``data/manifest.json`` says where it comes from, its licence and its
checksum. Tables are read at first use and kept. Nothing is computed here: what follows from the numbers is
the business of :mod:`neurosim.pharmacology`.

Names are forgiving: case, dashes, spaces and other punctuation do not count, so ``"way 100635"`` finds
``WAY-100635``. A name that is not known raises :class:`~neurosim.errors.ReferenceDataError` with the nearest
one.
"""

from neurosim.reference.choices import (
    Kinetics,
    binding_default,
    binding_kinetics,
    chosen_binding,
    profile_names,
    profile_rows,
)
from neurosim.reference.drugs import Action, Binding, Drug, bindings, drug, drug_names
from neurosim.reference.keys import rows_used
from neurosim.reference.kinetics import (
    Interaction,
    Metabolite,
    PKRow,
    Route,
    Species,
    metabolites,
    pk_default,
    pk_evidence,
    pk_interactions,
    pk_row,
    route,
    route_names,
    species,
    species_names,
    stand_in,
)
from neurosim.reference.observations import TargetRow, target_row, target_row_ids
from neurosim.reference.receptors import (
    Carrier,
    Receptor,
    Target,
    carrier,
    carrier_names,
    cross_K_m,
    ligand_of,
    receptor,
    receptor_names,
    target,
    transmitter_names,
)
from neurosim.reference.tables import manifest, table, table_names
from neurosim.reference.tracers import Tracer, TracerRegion, tracer, tracer_names

__all__ = [
    "Action",
    "Binding",
    "Carrier",
    "Drug",
    "Kinetics",
    "Interaction",
    "Metabolite",
    "PKRow",
    "Receptor",
    "Route",
    "Species",
    "Target",
    "TargetRow",
    "Tracer",
    "TracerRegion",
    "binding_default",
    "binding_kinetics",
    "bindings",
    "carrier",
    "carrier_names",
    "chosen_binding",
    "cross_K_m",
    "drug",
    "drug_names",
    "ligand_of",
    "manifest",
    "metabolites",
    "pk_default",
    "pk_evidence",
    "pk_interactions",
    "pk_row",
    "profile_names",
    "profile_rows",
    "receptor",
    "receptor_names",
    "route",
    "route_names",
    "rows_used",
    "species",
    "species_names",
    "stand_in",
    "table",
    "table_names",
    "target",
    "target_row",
    "target_row_ids",
    "tracer",
    "tracer_names",
    "transmitter_names",
]

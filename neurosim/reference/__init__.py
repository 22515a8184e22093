"""Tables of published numbers, each with its citation, and the way to look things up in them.

A table is a CSV file under ``data``; ``data/manifest.json`` says where it comes from, its licence and its
checksum. Tables are read at first use and kept. Nothing is computed here: what follows from the numbers is
the business of :mod:`neurosim.pharmacology`.

Names are forgiving: case, dashes, spaces and other punctuation do not count, so ``"way 100635"`` finds
``WAY-100635``. A name that is not known raises :class:`~neurosim.errors.ReferenceDataError` with the nearest
one.
"""

from neurosim.reference.affinity import affinity_rows, binding_in, in_species
from neurosim.reference.bibtex import BibEntry, bibtex
from neurosim.reference.choices import (
    Kinetics,
    binding_default,
    binding_kinetics,
    chosen_binding,
    profile_names,
    profile_rows,
)
from neurosim.reference.citations import SOFTWARE, Citation, bibliography, citation, source_texts
from neurosim.reference.disorders import DisorderRow, disorder_row, disorder_row_ids
from neurosim.reference.drugs import Action, Binding, Drug, bindings, drug, drug_names
from neurosim.reference.keys import rows_used
from neurosim.reference.kinetics import (
    Interaction,
    Metabolite,
    PKRow,
    Route,
    Species,
    interaction_victims,
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
    transmitter_color,
    transmitter_names,
)
from neurosim.reference.stores import (
    Inactivation,
    StoreConstants,
    SynthesisStep,
    enzyme_shares,
    inactivation,
    precursor_of,
    protein_half_life,
    rate_limiting_step,
    store_constants,
    synthesis_steps,
)
from neurosim.reference.tables import manifest, table, table_names
from neurosim.reference.tracers import Tracer, TracerRegion, tracer, tracer_names

__all__ = [
    "SOFTWARE",
    "Action",
    "BibEntry",
    "Binding",
    "Carrier",
    "Citation",
    "DisorderRow",
    "Drug",
    "Inactivation",
    "Interaction",
    "Kinetics",
    "Metabolite",
    "PKRow",
    "Receptor",
    "Route",
    "Species",
    "StoreConstants",
    "SynthesisStep",
    "Target",
    "TargetRow",
    "Tracer",
    "TracerRegion",
    "affinity_rows",
    "bibliography",
    "bibtex",
    "binding_default",
    "binding_in",
    "binding_kinetics",
    "bindings",
    "carrier",
    "carrier_names",
    "chosen_binding",
    "citation",
    "cross_K_m",
    "disorder_row",
    "disorder_row_ids",
    "drug",
    "drug_names",
    "enzyme_shares",
    "in_species",
    "inactivation",
    "interaction_victims",
    "ligand_of",
    "manifest",
    "metabolites",
    "pk_default",
    "pk_evidence",
    "pk_interactions",
    "pk_row",
    "precursor_of",
    "profile_names",
    "profile_rows",
    "protein_half_life",
    "rate_limiting_step",
    "receptor",
    "receptor_names",
    "route",
    "route_names",
    "rows_used",
    "source_texts",
    "species",
    "species_names",
    "stand_in",
    "store_constants",
    "synthesis_steps",
    "table",
    "table_names",
    "target",
    "target_row",
    "target_row_ids",
    "tracer",
    "tracer_names",
    "transmitter_color",
    "transmitter_names",
]

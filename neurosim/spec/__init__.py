"""What a user says: circuits, experiments and disorders as frozen models, read strictly from YAML.

Facts are data, quantities carry units, every name resolves, and a mistake is answered with ``file:line``, path,
what was given, what is allowed and the nearest match. This room knows no receptor tables, drugs or engines;
rooms that do raise their own errors with :func:`spec_error`, which finds the line.
"""

from neurosim.errors import SpecError
from neurosim.spec._calibration import (
    Calibration,
    GainFit,
    GainParameter,
    GainRow,
    PulseRow,
    ReleaseFit,
    RowStimulus,
)
from neurosim.spec._circuit import (
    AdaptiveExponential,
    Band,
    BurstBand,
    Circuit,
    Conductance,
    Effect,
    Gain,
    NearField,
    Noise,
    Plasticity,
    Pool,
    Population,
    Projection,
    RateBand,
    Regulation,
    Release,
    ReleaseGain,
    Site,
    SynapseKind,
    Transmission,
    Transporter,
)
from neurosim.spec._circuit_file import circuit_document, circuit_of_text, load_circuit
from neurosim.spec._cluster import ClusterFile, DaskSite, SlurmSite, cluster_path, load_cluster
from neurosim.spec._disorder import NOTICE, Alteration, Disorder, GradedDisorder, load_disorder
from neurosim.spec._dump import dump_yaml, plain
from neurosim.spec._experiment import (
    Arm,
    Axis,
    Clamp,
    Dose,
    Experiment,
    Lesion,
    Phase,
    Protocol,
    Reference,
    Sample,
    Stimulation,
    Uncertainty,
)
from neurosim.spec._experiment_checks import POINT, RESERVED, PhaseTime, cut_stimulations, phase_times
from neurosim.spec._experiment_file import experiment_of_texts, load_experiment, set_value
from neurosim.spec._graded import DisorderEffect, disorder_effects
from neurosim.spec._hash import canonical_json, digest
from neurosim.spec._library import find, list_names
from neurosim.spec._provenance import Provenance, provenance
from neurosim.spec._quantities import Sourced
from neurosim.spec._resolve import Resolved, resolve
from neurosim.spec._rows import Condition, Expected, Row, Rows, load_rows
from neurosim.spec._scan import Dimension, axis_texts, axis_values, scan_dimensions, scan_points, value_text
from neurosim.spec._schema import json_schema
from neurosim.spec._told import arm_text, clock_text, drug_text
from neurosim.spec._words import locate, spec_error

__all__ = [
    "AdaptiveExponential",
    "Alteration",
    "Arm",
    "Axis",
    "Band",
    "BurstBand",
    "Calibration",
    "Circuit",
    "Clamp",
    "ClusterFile",
    "Condition",
    "Conductance",
    "DaskSite",
    "Dimension",
    "Disorder",
    "DisorderEffect",
    "Dose",
    "Effect",
    "Expected",
    "Experiment",
    "Gain",
    "GainFit",
    "GainParameter",
    "GainRow",
    "GradedDisorder",
    "Lesion",
    "NOTICE",
    "NearField",
    "Noise",
    "POINT",
    "Phase",
    "PhaseTime",
    "Plasticity",
    "Pool",
    "Population",
    "Projection",
    "Protocol",
    "Provenance",
    "PulseRow",
    "RateBand",
    "Regulation",
    "RESERVED",
    "Reference",
    "Release",
    "ReleaseFit",
    "ReleaseGain",
    "Resolved",
    "Row",
    "RowStimulus",
    "Rows",
    "Sample",
    "Site",
    "Sourced",
    "SlurmSite",
    "SpecError",
    "Stimulation",
    "SynapseKind",
    "Transmission",
    "Transporter",
    "Uncertainty",
    "arm_text",
    "axis_texts",
    "axis_values",
    "canonical_json",
    "clock_text",
    "cut_stimulations",
    "digest",
    "disorder_effects",
    "drug_text",
    "dump_yaml",
    "experiment_of_texts",
    "find_circuit",
    "find_disorder",
    "find_experiment",
    "json_schema",
    "list_circuits",
    "list_disorders",
    "list_experiments",
    "circuit_document",
    "circuit_of_text",
    "cluster_path",
    "load_circuit",
    "load_cluster",
    "load_disorder",
    "load_experiment",
    "load_rows",
    "locate",
    "phase_times",
    "plain",
    "provenance",
    "resolve",
    "scan_dimensions",
    "scan_points",
    "set_value",
    "spec_error",
    "value_text",
]


def find_circuit(name):
    """File of a circuit by name or path; a local file wins over the one that ships with neurosim."""
    return find("circuit", str(name))


def find_disorder(name):
    """File of a disorder by name or path; a local file wins over the one that ships with neurosim."""
    return find("disorder", str(name))


def find_experiment(name):
    """File of an experiment by name or path; a local file wins over the one that ships with neurosim."""
    return find("experiment", str(name))


def list_circuits() -> list[str]:
    """Names of the circuits in the current folder, in ``circuits/`` below it, and in neurosim itself."""
    return list_names("circuit")


def list_disorders() -> list[str]:
    """Names of the disorders in the current folder, in ``disorders/`` below it, and in neurosim itself."""
    return list_names("disorder")


def list_experiments() -> list[str]:
    """Names of the experiments in the current folder, in ``experiments/`` below it and in neurosim."""
    return list_names("experiment")

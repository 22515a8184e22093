"""One made-up set of results for each kind of figure, and the figure of every method of ``results.plot``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from synthetic import FULL, SMALL, SSRI, Treatment, World, results_folder

from neurosim.analysis import Axis, open_results
from neurosim.runner.trials import contents
from neurosim.spec import Circuit, Experiment, canonical_json, digest, dump_yaml, load_circuit, plain, resolve

RECORD = 1.5
MIDBRAIN = World(
    {name: (max(n // 8, 4), *rest) for name, (n, *rest) in FULL.rates.items()},
    FULL.levels,
    {name: site for name, site in FULL.sites.items() if site[1] in ("VTA_DA", "DRN_HT", "VTA_GABA")},
)
ARMS = {
    "vehicle": Treatment(),
    "escitalopram": SSRI,
    "escitalopram_way": Treatment({"DRN_HT": 1.05}, {"5-HT": 5.0}, {"escitalopram": 25.0, "WAY-100635": 8.0}),
    "habenula": Treatment({"RMTg_GABA": 2.0, "VTA_DA": 0.3}, lesions={"DRN_HT": 0.5}),
}
DRUG = {"drug": "escitalopram", "dose": "10 mg/kg", "route": "ip"}
PULSES = {"population": "LHb_Glu", "kind": "pulses", "n": 12, "rate": "10 Hz", "start": "0.5 s"}


@cache
def midbrain() -> tuple[Circuit, str]:
    """The circuit that results say they were made with, and its text."""
    circuit = load_circuit("midbrain_raphe")
    return circuit, dump_yaml(circuit)


@cache
def experiment() -> Experiment:
    """What the made-up results say was done."""
    return Experiment(
        name="made_up",
        circuit=midbrain()[0],
        subjects=2,
        protocol={
            "settle": "1 s",
            "phases": [
                {"name": "baseline", "record": f"{RECORD} s"},
                {"name": "drug", "record": f"{RECORD} s", "at": "45 min"},
            ],
        },
        arms={
            "vehicle": {},
            "escitalopram": {"drugs": [DRUG]},
            "escitalopram_way": {"drugs": [DRUG, {"drug": "WAY-100635", "concentration": "8 nM"}]},
            "habenula": {"stimulations": [PULSES], "lesions": [{"population": "DRN_HT", "fraction": "0.5"}]},
        },
    )


def said(of: Experiment) -> dict[str, dict[str, str]]:
    """What the trials of each arm say was simulated."""
    return {arm: {"resolved": canonical_json(contents(resolve(of, arm)))} for arm in of.arms}


def paper(folder: Path, subjects: int = 2):
    """Four arms of the midbrain and raphe."""
    of = experiment()
    attributes = {"circuit_yaml": midbrain()[1]}
    attributes |= {"experiment_yaml": dump_yaml(of), "experiment_digest": digest(of)}
    attributes["experiment_as_run"] = json.dumps(plain(of, without=("circuit",)))
    options = {"subjects": subjects, "record": RECORD, "attributes": attributes, "trial_attributes": said(of)}
    return open_results(results_folder(folder, MIDBRAIN, ARMS, **options))


def steeper(treatment: Treatment, point) -> Treatment:
    k = point[0] + (point[1] if len(point) > 1 else 0)
    levels = {"5-HT": 1.7 ** point[0], "DA": 0.6 ** (point[1] if len(point) > 1 else 0)}
    return Treatment({"DRN_HT": 0.8**k, "VTA_DA": 0.9**k}, levels, {"escitalopram": 3.0 * 3 ** point[0]})


def scanned(folder: Path):
    axis = Axis("dose", (0.1, 0.3, 1.0, 3.0), "mg/kg", "arms.drug.drugs.escitalopram.dose")
    arms = {"vehicle": Treatment(), "drug": SSRI}
    options = {"axes": [axis], "at_point": steeper, "record": 0.5, "phases": ["held"]}
    return open_results(results_folder(folder, SMALL, arms, **options))


def crossed(folder: Path):
    axes = [
        Axis("dose", (0.1, 0.3, 1.0), "mg/kg", "arms.drug.drugs.escitalopram.dose"),
        Axis("part_lost", (0.1, 0.4, 0.7, 0.9), "1", "arms.drug.lesions.VTA_DA.fraction"),
    ]
    arms = {"vehicle": Treatment(), "drug": SSRI}
    options = {"axes": axes, "at_point": steeper, "subjects": 1, "record": 0.2, "phases": ["held"]}
    return open_results(results_folder(folder, SMALL, arms, **options))


#: Method of ``results.plot`` → the results that it is shown on, and how it is called.
KINDS = {
    "overview": (paper, {}),
    "raster": (paper, {"arm": "habenula"}),
    "concentrations": (paper, {"regions": ["DRN", "NAc", "mPFC"]}),
    "occupancy": (paper, {}),
    "activation": (paper, {"rows": "receptor"}),
    "arms": (paper, {"population": ["DRN_HT", "VTA_DA"]}),
    "balance": (paper, {}),
    "circuit": (paper, {}),
    "timeline": (paper, {}),
    "dose_response": (scanned, {}),
    "balance_plane": (crossed, {}),
}


def draw(results, method: str, **options):
    """The figure of a method."""
    return getattr(results.plot, method)(**{**KINDS[method][1], **options})

"""``engine: none``: receptors and drugs without a network."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr

import neurosim as ns
from neurosim import pharmacology, runner
from neurosim.build import Still
from neurosim.errors import BuildError, SpecError
from neurosim.runner import still as still_module
from neurosim.spec import load_experiment, resolve

pytestmark = pytest.mark.usefixtures("plain_figure")

STILL = """
schema: neurosim-experiment/1
name: still
circuit: tiny
engine: none
subjects: 2
levels: {NAc.DA: 80 nM}
protocol: {phases: [{name: peak, at: 1 h}, {name: late, at: 6 h}]}
arms:
  vehicle: {}
  blocked: {drugs: [{drug: haloperidol, dose: 0.1 mg/kg, route: sc}, {drug: escitalopram, concentration: 5 nM}]}
scan:
  dose: {path: arms.blocked.drugs.haloperidol.dose, log: [0.01 mg/kg, 1 mg/kg, 5]}
"""


@pytest.fixture
def still(tiny):
    """A folder with an experiment without spikes in it."""
    (tiny / "still.yaml").write_text(STILL, encoding="utf-8")
    return tiny


def test_a_run_fills_receptors_drugs_and_trials_and_nothing_else(still):
    results = ns.run("still.yaml")
    assert set(results.summary.children) == {"receptors", "drugs", "trials"}
    assert not results.has_spikes
    receptors = results.summary["receptors"].to_dataset()
    assert receptors.activation.dims == ("arm", "subject", "dose", "phase", "site")
    assert receptors.occupancy.dims == ("arm", "subject", "dose", "phase", "site", "ligand")
    for variable in (*receptors.data_vars.values(), results.summary["drugs"].concentration):
        assert np.isfinite(variable.values).all(), f"{variable.name} is defined everywhere"
        assert variable.attrs["units"]


def test_the_figure_shows_what_drugs_hold(still, real_figure):
    results = ns.run("still.yaml")
    assert (still / "results" / "still" / "overview.png").stat().st_size > 10_000
    titles = [axes.get_title(loc="left") for axes in results.plot.overview().axes]
    assert titles == ["Receptors held by drugs", "Receptors active", "Carriers held by drugs"]
    (still / "arms.yaml").write_text(STILL.split("scan:")[0].replace("name: still", "name: arms"), encoding="utf-8")
    without_scan = ns.run("arms.yaml").plot.overview()
    assert [axes.get_title(loc="left") for axes in without_scan.axes] == titles


def test_every_number_is_the_one_of_the_pharmacology(still):
    # the law of the binding room, site by site, drug by drug
    results = ns.run("still.yaml")
    receptors = results.summary["receptors"].to_dataset().sel(arm="blocked", subject=0)
    drugs = results.summary["drugs"].concentration.sel(arm="blocked", subject=0)
    circuit = load_experiment("still.yaml").circuit
    for dose in receptors.dose.values:
        for phase in ("peak", "late"):
            c = {d: float(drugs.sel(dose=dose, phase=phase, drug=d)) for d in drugs.drug.values}
            for name, site in circuit.sites.items():
                here = receptors.sel(dose=dose, phase=phase, site=name)
                EC_50 = None if site.EC_50 is None else float(site.EC_50.value)
                constants = pharmacology.site_constants(site.receptor, float(site.tau.value), EC_50)
                terms = pharmacology.drug_terms(site.receptor, c, constants, "rat")
                heard = float(here.heard)
                expected = pharmacology.activation(heard, constants.K, constants.tau, terms.X, terms.S, constants.tau_0)
                assert float(here.activation) == pytest.approx(float(expected), rel=1e-12)
                bound = pharmacology.occupancies(heard, constants, terms, "transmitter")
                assert float(here.transmitter_occupancy) == pytest.approx(float(bound["transmitter"]), rel=1e-12)
                for drug in c:
                    assert float(here.occupancy.sel(ligand=drug)) == pytest.approx(float(bound.get(drug, 0.0)), rel=1e-12)
            block = pharmacology.carrier_terms("SERT", c, pharmacology.Knowledge(species="rat"))
            held = receptors.carrier_occupancy.sel(dose=dose, phase=phase, carrier="SERT", ligand="escitalopram")
            assert float(held) == pytest.approx(block.x["escitalopram"] / (1 + block.B), rel=1e-12)


def test_concentrations_are_those_of_the_pharmacokinetics_and_the_table_of_a_spiking_run(still):
    experiment = load_experiment("still.yaml")
    results = ns.run(experiment)
    for k, dose in enumerate(results.axes["dose"].values):
        plan = resolve(experiment, "blocked", {"dose": k})
        amount = plan.arm.drugs[0]
        expected = pharmacology.exposure([amount], "rat", 3600.0)["haloperidol"]
        seen = results.summary["drugs"].concentration.sel(
            arm="blocked", subject=1, phase="peak", drug="haloperidol", dose=dose
        )
        assert float(seen) == pytest.approx(expected, rel=1e-12)


def test_a_metabolite_is_a_ligand_of_its_own(still):
    text = STILL.split("scan:")[0].replace("haloperidol, dose: 0.1 mg/kg, route: sc", "fluoxetine, dose: 5 mg/kg, route: ip")
    (still / "metabolite.yaml").write_text(text.replace("name: still", "name: metabolite"), encoding="utf-8")
    results = ns.run("metabolite.yaml")
    drugs = results.summary["drugs"].concentration.sel(arm="blocked", subject=0)
    assert list(drugs.drug.values) == ["fluoxetine", "norfluoxetine", "escitalopram"]
    given = resolve(load_experiment("metabolite.yaml"), "blocked").arm.drugs[0]
    expected = pharmacology.exposure([given], "rat", 6 * 3600.0)
    for name, c in expected.items():
        assert float(drugs.sel(phase="late", drug=name)) == pytest.approx(c, rel=1e-12)
    held = results.summary["receptors"].carrier_occupancy.sel(arm="blocked", subject=0, phase="late", carrier="SERT")
    assert float(held.sel(ligand="fluoxetine")) > 0 and float(held.sel(ligand="norfluoxetine")) > 0
    words = [f"{f.path}: {f.text}" for f in runner.check("metabolite.yaml").findings]
    assert any(w.startswith("drug norfluoxetine: blocks SERT (") for w in words)


def test_levels_are_stated_or_the_middle_of_the_band(still):
    heard = ns.run("still.yaml").summary["receptors"].heard.sel(arm="vehicle", subject=0, phase="peak").isel(dose=0)
    near = 5 * np.sqrt(2 * 8)  # h of the site times the middle of the band of VTA_DA
    assert float(heard.sel(site="D2_NAc")) == pytest.approx(80 + near)
    assert float(heard.sel(site="HT1A_DRN")) == pytest.approx(np.sqrt(8 * 40))


def test_levels_can_be_scanned(still):
    (still / "tone.yaml").write_text(
        STILL.split("scan:")[0] + '''scan:\n  tone: {path: 'levels["NAc.DA"]', log: [5 nM, 500 nM, 4]}\n''', encoding="utf-8"
    )
    receptors = ns.run("tone.yaml").summary["receptors"].to_dataset().sel(phase="peak", subject=0, site="D2_NAc")
    held = receptors.occupancy.sel(arm="blocked", ligand="haloperidol").values
    assert (np.diff(held) < 0).all(), "more transmitter leaves less for an antagonist"
    assert (np.diff(receptors.activation.sel(arm="vehicle").values) > 0).all()


def test_subjects_and_untouched_arms_share_their_trials(still):
    report = runner.run_experiment("still.yaml")
    assert report.total == 1 + 5
    keys = ns.open_results(report.folder).keys
    assert len(np.unique(keys.sel(arm="vehicle").values)) == 1
    assert (keys.sel(subject=0).values == keys.sel(subject=1).values).all()


def test_trials_are_stored_in_blocks_and_more_points_only_add(still, monkeypatch):
    monkeypatch.setattr(still_module, "BLOCK_SIZE", 2)
    first = runner.run_experiment("still.yaml")
    blocks = sorted((first.folder / "trials").iterdir())
    assert len(blocks) == 4  # the vehicle, and 5 points in blocks of two
    again = runner.run_experiment("still.yaml")
    assert (again.simulated, again.kept) == (0, 6)
    more = runner.run_experiment("still.yaml", set={"scan.dose.log.2": 9})
    assert (more.simulated, more.kept) == (4, 6)
    assert set(blocks) < set((more.folder / "trials").iterdir())
    assert runner.status(more.folder).done == 10


def test_blocks_of_any_size_give_the_same_summary(still, monkeypatch):
    whole = ns.run("still.yaml", output="whole").summary
    monkeypatch.setattr(still_module, "BLOCK_SIZE", 2)
    parts = ns.run("still.yaml", output="parts").summary
    for group in ("receptors", "drugs"):
        xr.testing.assert_identical(whole[group].to_dataset(), parts[group].to_dataset())


def test_a_damaged_block_is_evaluated_again(still):
    report = runner.run_experiment("still.yaml")
    block = max((report.folder / "trials").iterdir(), key=lambda path: path.stat().st_size)
    block.write_bytes(block.read_bytes()[:500])
    assert runner.status(report.folder).damaged == (block,)
    again = runner.run_experiment("still.yaml")
    assert (again.simulated, again.kept) == (5, 1)
    assert not runner.status(report.folder).damaged


def test_a_damaged_block_does_not_stay_when_the_scan_has_changed(still):
    report = runner.run_experiment("still.yaml")
    block = max((report.folder / "trials").iterdir(), key=lambda path: path.stat().st_size)
    block.write_bytes(block.read_bytes()[:500])
    again = runner.run_experiment("still.yaml", set={"scan.dose.log.2": 9})
    assert not block.exists() and not runner.status(again.folder).damaged
    assert (again.simulated, again.kept) == (9, 1)


def test_one_trial_comes_out_of_its_block(still):
    results = ns.run("still.yaml")
    trial = results.trial(arm="blocked", subject=1, dose=0.1)
    seen = results.summary["receptors"].activation.sel(arm="blocked", subject=1, dose=0.1, method=None)
    np.testing.assert_array_equal(trial["receptors"].activation.values, seen.values)
    assert "spikes" not in trial.children


def test_a_block_opens_with_plain_h5py(still):
    report = runner.run_experiment("still.yaml")
    for path in (report.folder / "trials").iterdir():
        with h5py.File(path) as file:
            assert file.attrs["complete"] == 1
            assert file["receptors/activation"].shape[0] == file["trials/trial"].shape[0]


def test_no_spikes_need_no_brian2_and_no_compiler(still):
    code = (
        "import sys, neurosim as ns; ns.run('still.yaml'); "
        "sys.exit('brian2 was imported' if 'brian2' in sys.modules else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_comparison_and_table_have_what_is_there(still):
    from neurosim.analysis import summary_table

    results = ns.run("still.yaml")
    compared = results.compare("blocked", "vehicle", phase="peak")
    assert set(compared.children) == {"receptors", "drugs"}
    sections = {row.section for row in summary_table(results)}
    assert sections == {"drugs", "carriers held by drugs", "receptors held by drugs", "activation"}
    held = results.plot.dose_response("occupancy", arm="blocked")
    assert "% bound by drugs" in {axes.get_ylabel() for axes in held.axes}


def test_many_points_at_once_are_the_points_one_by_one(still):
    resolved = resolve(load_experiment("still.yaml"), "blocked", {"dose": 0})
    many = Still(resolved, ("haloperidol", "escitalopram"))
    C = np.random.default_rng(1).lognormal(0.0, 2.0, (7, 3, 2))
    together = many.receptors(C)
    for i in range(7):
        alone = many.receptors(C[i, 1])
        for name, values in together.items():
            np.testing.assert_allclose(values[i, 1], alone[name], rtol=1e-13, err_msg=name)
    bound = together["occupancy"].sum(axis=-1) + together["transmitter_occupancy"]
    assert (bound < 1).all() and (together["activation"] < 1).all()


WRONG = {
    "a lesion": (
        "blocked: {drugs",
        "blocked: {lesions: [{population: DRN_HT, fraction: 0.5}], drugs",
        r"still\.yaml:11: arms\.blocked\.lesions: engine: none has no cells; lesions need engine: brian2",
    ),
    "levels of no pool": (
        "NAc.DA: 80 nM",
        "NAcc.DA: 80 nM",
        r"still\.yaml:7: levels\[\"NAcc\.DA\"\]: unknown pool 'NAcc\.DA'; did you mean 'NAc\.DA'\?",
    ),
    "levels in mV": ("80 nM", "80 mV", r"still\.yaml:7: levels.*'80 mV' is a voltage"),
    "an engine that does not exist": (
        "engine: none",
        "engine: nest",
        r"still\.yaml:5: engine: unknown value 'nest'; allowed: brian2, none",
    ),
    "levels beside spikes": (
        "engine: none",
        "engine: brian2",
        r"still\.yaml:7: levels: allowed with engine: none; where cells spike, levels follow",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_with_its_line(still, case):
    import re

    old, new, words = WRONG[case]
    (still / "still.yaml").write_text(STILL.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        load_experiment("still.yaml")
    assert re.search(words, str(refused.value)), str(refused.value)


def test_a_phase_that_spikes_needs_its_length(tiny):
    text = (tiny / "tiny_experiment.yaml").read_text(encoding="utf-8")
    (tiny / "tiny_experiment.yaml").write_text(text.replace("at: 30 min, record: 1 s", "at: 30 min"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"tiny_experiment\.yaml:10: protocol\.phases\.1: lacks the key 'record'"):
        load_experiment("tiny_experiment.yaml")


def test_a_pool_without_a_band_needs_a_level(still):
    text = (still / "tiny.yaml").read_text(encoding="utf-8")
    (still / "tiny.yaml").write_text(text.replace("      band: {low: 8 nM, high: 40 nM}\n", ""), encoding="utf-8")
    with pytest.raises(BuildError, match=r"site HT1A_DRN hears the pool DRN\.5-HT, which has no band"):
        runner.run_experiment("still.yaml")
    (still / "still.yaml").write_text(STILL.replace("80 nM}", "80 nM, DRN.5-HT: 20 nM}"), encoding="utf-8")
    assert runner.run_experiment("still.yaml").has_data


def test_without_cells_subjects_differ_where_their_affinities_are_drawn(still):
    def trials(settings=None):
        return runner.expand(load_experiment("still.yaml", set=settings), "none").trials

    # a vehicle arm and five doses: one subject stands for all
    assert len(trials()) == len(trials({"uncertainty": {"affinity": "0"}})) == 1 + 5
    drawn = trials({"uncertainty": {"affinity": "0.3"}})
    assert len(drawn) == 1 + 2 * 5
    assert {t.subject for t in drawn if t.arm == "blocked"} == {0, 1}

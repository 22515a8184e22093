"""What a person reads after a mistake with a disorder: one sentence each, with its place."""

# ruff: noqa: E501 (tables of sentences: a row is a line)

from pathlib import Path

import pytest

from neurosim.errors import SpecError
from neurosim.runner.validate import validate
from neurosim.spec import load_disorder, load_experiment

DATA = Path(__file__).parents[1] / "data"
SAD = (DATA / "sad.yaml").read_text()
ENTRY = "{disorder: sad, severity: 0.5}"


@pytest.fixture
def message(tiny):
    """The words after loading an experiment with one arm more, in which the entry of the disorder is another one."""

    def words(entry, more="", disorder=SAD, settings=None, engine="brian2"):
        (tiny / "sad.yaml").write_text(disorder)
        text = (tiny / "tiny_experiment.yaml").read_text()
        if engine == "none":
            text = text.replace("subjects: 2", "subjects: 2\nengine: none").replace("  raphe_lesion:\n    lesions: [{population: DRN_HT, fraction: 0.9}]\n", "")
        (tiny / "e.yaml").write_text(f"{text}  sick: {{disorders: [{entry}]{more}}}\n")
        with pytest.raises(SpecError) as error:
            validate(load_experiment("e.yaml", set=settings))
        assert len(error.value.problems) == 1, error.value.problems
        return str(error.value)

    return words


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{disorder: sda, severity: 0.5}", "e.yaml:20: arms.sick.disorders.0.disorder: unknown disorder 'sda'; did you mean 'sad'? allowed: addiction, major_depression, parkinson, sad"),
        ("{disorder: parkinsons, severity: 0.5}", "unknown disorder 'parkinsons'; did you mean 'parkinson'?"),
        ("{disorder: tiny, severity: 0.5}", "unknown disorder 'tiny': it is a circuit; an experiment names it with 'circuit:'"),
        ("{disorder: no/such.yaml, severity: 0.5}", "e.yaml:20: arms.sick.disorders.0.disorder: no/such.yaml: no such file"),
        ("{disorder: sad, severity: 1.5}", "e.yaml:20: arms.sick.disorders.0.severity: '1.5' is out of range; allowed: from 0 to 1"),
        ("{disorder: sad, severity: -0.1}", "e.yaml:20: arms.sick.disorders.0.severity: '-0.1' is out of range; allowed: from 0 to 1"),
        ("{disorder: sad, severity: 0.95}", "e.yaml:20: arms.sick.disorders.0.severity: '0.95' is out of range for sad; allowed: from 0 to 0.9 (part of nothing)"),
        ("{disorder: sad, severity: 0.01}", "e.yaml:20: arms.sick.disorders.0.severity: at '0.01' sad takes none of the 24 cells of DRN_HT; allowed: 0, or from 0.042"),
        ("{disorder: sad, severity: bad}", "e.yaml:20: arms.sick.disorders.0.severity: 'bad' is not"),
        ("{disorder: sad}", "e.yaml:20: arms.sick.disorders.0: lacks the key 'severity'"),
        ("{disorder: sad, severty: 0.5, severity: 0.5}", "e.yaml:20: arms.sick.disorders.0.severty: unknown key 'severty'; did you mean 'severity'? allowed: disorder, severity"),
        (f"{ENTRY}, {ENTRY}", "e.yaml:20: arms.sick.disorders.1: sad is there twice in this arm; state one severity"),
    ],
)  # fmt: skip
def test_mistakes_in_an_arm(message, entry, words):
    assert words in message(entry)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("population: DRN_HT", "population: DRN_TH", "arms.sick.disorders.0.disorder: sad alters cells, and the circuit tiny has no population 'DRN_TH'; did you mean 'DRN_HT'?"),
        ("sites.D2_NAc.tau", "sites.D2_DSt.tau", "sad alters carriers, and the circuit tiny lacks what is altered: the path 'sites.D2_DSt.tau' matches nothing: 'sites' has no 'D2_DSt'; "),
        ("sites.D2_NAc.tau", "pools.DRN.DA.k_out", "the path 'pools.DRN.DA.k_out' matches nothing: 'pools.DRN' has no 'DA'; allowed: 5-HT"),
        ("sites.D2_NAc.tau", "pools.DRN.5-HT.store", "lacks what is altered: pools.DRN.5-HT.store: '1x' multiplies a value that is not stated"),
        ("[PARK04]", "[PARK99]", "sad: no row of disorders 'PARK99' in the reference tables; "),
        ("PARK06: a", "PARK66: a", "sad: no row of disorders 'PARK66' in the reference tables; "),
    ],
)  # fmt: skip
def test_what_a_circuit_or_a_table_lacks_is_said(message, old, new, words):
    assert old in SAD
    assert words in message(ENTRY, disorder=SAD.replace(old, new, 1))


def test_what_a_circuit_lacks_is_said_of_a_healthy_grade_too(message):
    disorder = SAD.replace("population: DRN_HT", "population: LC_NE")
    assert "has no population 'LC_NE'" in message("{disorder: sad, severity: 0}", disorder=disorder)


@pytest.mark.parametrize(
    "path", ["sites.D2_NAc.tau", "sites.*.tau", "pools.DRN.5-HT.transporters.SERT.DRN_HT.V_max", "sites.D2_NAc.tau.value"]
)
def test_a_value_that_replaces_what_a_disorder_multiplies_is_refused(message, path):
    value = "5" if "tau" in path else "5 nM/s"
    words = message(ENTRY, more=f', set: {{"{path}": {value}}}')
    assert f"arms.sick.set: '{value}' replaces " in words
    assert "which sad multiplies; allowed: a multiple, e.g. '0.5x'" in words


def test_a_disorder_needs_cells(message):
    words = message(ENTRY, engine="none")
    assert words.endswith("arms.sick.disorders: engine: none has no cells; disorders need engine: brian2 (the default)")


def test_a_severity_that_is_set_or_scanned_too_far_is_refused(message):
    words = message(ENTRY, settings={"arms.sick.disorders.sad.severity": "2"})
    assert words.startswith("--set arms.sick.disorders.sad.severity=2: arms.sick.disorders.0.severity: '2' is out of range")
    words = message(ENTRY + "]}\nscan:\n  grade: {path: arms.sick.disorders.sad.severity, values: [0, 0.95", more="")
    assert "'0.95' is out of range for sad; allowed: from 0 to 0.9" in words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema: neurosim-disorder/1", "schema: neurosim-circuit/1", "sad.yaml:1: schema: this is a circuit, and a disorder is needed ('neurosim-disorder/1')"),
        ("lesion: {population: DRN_HT, fraction: 0.5}", "optional: false", "sad.yaml:7: alterations.cells: has neither lesion nor set; an alteration is exactly one of them"),
        ("    rows: [PARK04]", "    set: {sites.D2_VTA.tau: 2x}\n    rows: [PARK04]", "alterations.cells: has both lesion and set; an alteration is exactly one of them"),
        ("fraction: 0.5", "fraction: 1.5", "alterations.cells.lesion.fraction: '1.5' is out of range; allowed: above 0 to 1"),
        ("0.3x", "0.3", "set[\"pools.*.5-HT.transporters.SERT.*.V_max\"]: '0.3' is no factor at full severity; allowed: a multiple from 0 on, e.g. '0.86x'"),
        ("0.3x", "-0.3x", "'-0.3x' is no factor at full severity"),
        ("sites.D2_NAc.tau:", "sites..tau:", "'sites..tau' is not a path"),
        ("sites.D2_NAc.tau:", "sites.D2_NAc.note:", "'note' is no part of the simulation; allowed: numbers of the circuit"),
        ("rows: [PARK04]", "rows: []", "alterations.cells.rows: has too few items; allowed: at least 1"),
        ("    rows: [PARK04]\n", "", "alterations.cells: lacks the key 'rows'"),
        ("basis: measured", "basis: guessed", "alterations.cells.basis: unknown value 'guessed'; "),
        ("PARK06: a", "PARK04: a", "not_mapped.PARK04: is used by an alteration; allowed: one of both"),
        ("title: Made for tests", "titel: Made for tests", "unknown key 'titel'; did you mean 'title'?"),
        ("highest: 0.9", "highest: 0", "severity.highest: '0' is out of range"),
    ],
)  # fmt: skip
def test_mistakes_in_a_file(tiny, old, new, words):
    assert old in SAD
    (tiny / "sad.yaml").write_text(SAD.replace(old, new, 1))
    with pytest.raises(SpecError) as error:
        load_disorder("sad.yaml")
    assert words in str(error.value)


def test_a_file_without_alterations_is_no_disorder(tiny):
    (tiny / "sad.yaml").write_text("schema: neurosim-disorder/1\nname: sad\ntitle: x\nseverity: {means: x}\nalterations: {}\n")
    with pytest.raises(SpecError, match="alterations: is empty; a disorder alters something"):
        load_disorder("sad")

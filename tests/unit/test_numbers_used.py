"""``assumptions`` and ``cite``: every number is counted once, under its own basis, with its own source."""

import re

import pytest

from neurosim import pharmacology, reference
from neurosim.cli import main
from neurosim.reference.bibtex import parse
from neurosim.runner import numbers_used, sources_used
from neurosim.runner.numbers import BASES
from neurosim.runner.sources import _entries
from neurosim.spec import load_circuit, load_experiment, provenance


@pytest.fixture
def command(capsys):
    """Run the command in this process; returns what it printed on both streams. It must end well."""

    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        out, err = capsys.readouterr()
        assert left.value.code == 0, err
        return out, err

    return call


def places(used):
    return {number.where: number for number in used.numbers}


def test_every_number_of_the_circuit_is_there_with_its_basis():
    used = places(numbers_used("acute_escitalopram"))
    stated = provenance(load_circuit("midbrain_raphe"))
    assert len(stated) > 500
    for entry in stated:
        number = used[f"circuit.{entry.path}"]
        assert (number.text, number.basis, number.source) == (entry.text, entry.basis, entry.source)


def test_the_counts_are_those_of_the_numbers_and_the_table_leaves_out_what_was_measured():
    used = numbers_used("acute_escitalopram")
    assert list(used.counts) == list(BASES)
    assert sum(used.counts.values()) == len(used.numbers)
    assert min(used.counts.values()) > 0
    assert len(used.unmeasured) == len(used.numbers) - used.counts["measured"]
    assert [n.basis for n in used.unmeasured] == sorted(n.basis for n in used.unmeasured)
    where = [n.where for n in used.unmeasured if n.basis == "fitted"]
    assert where == [n.where for n in used.numbers if n.basis == "fitted"], "places keep the order of the file"


def test_a_number_without_a_basis_is_not_passed_over(tiny):
    path = tiny / "tiny.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("\nbasis: assumed\n", "\n", 1), encoding="utf-8")
    used = numbers_used("tiny_experiment")
    assert used.counts["not stated"] > 10
    assert used.unmeasured[0].basis == "not stated"


def test_a_drug_counts_only_where_the_circuit_has_its_targets(tiny):
    found = [n.where for n in numbers_used("tiny_experiment").numbers if n.where.startswith("drug ")]
    assert found == ["drug escitalopram at SERT: Ki", "drug escitalopram at DAT: Ki"]
    assert {row.target for row in reference.bindings("escitalopram")} > {"SERT", "DAT"}


def test_pharmacokinetics_count_for_a_dose_and_not_for_a_concentration(tiny):
    path = tiny / "tiny_experiment.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("concentration: 5 nM", "dose: 5 mg/kg, route: ip"), encoding="utf-8")
    used = places(numbers_used("tiny_experiment"))
    rows = [row for row in pharmacology.pk_provenance("escitalopram", "rat", "ip") if row.value is not None]
    assert len(rows) >= 5
    for row in rows:
        number = used[f"drug escitalopram in rat: {row.name}"]
        assert (number.text, number.basis, number.source) == (row.text, row.basis, row.source)


def test_a_clearance_scaled_from_man_brings_the_rule_and_both_weights(tiny):
    path = tiny / "tiny_experiment.yaml"
    text = path.read_text(encoding="utf-8").replace("concentration: 5 nM", "dose: 5 mg/kg, route: iv")
    path.write_text(text.replace("drug: escitalopram", "drug: paroxetine"), encoding="utf-8")
    words = [row.note for row in pharmacology.pk_provenance("paroxetine", "mouse", "iv")]
    assert any("scaled by weight" in note for note in words)
    used = places(numbers_used("tiny_experiment", set={"species": "mouse"}))
    rule = {where: number.text for where, number in used.items() if number.topic == "species rule"}
    assert rule == {
        "clearance per kg falls with weight to the power": "0.25",
        "weight, human": "70 kg",
        "weight, mouse": f"{reference.species('mouse').weight:g} kg",
    }


def test_an_agonist_brings_its_efficacy_and_says_where_it_is_assumed():
    used = places(numbers_used("autoreceptor_agonists"))
    drugs = {d.drug for arm in load_experiment("autoreceptor_agonists").arms.values() for d in arm.drugs}
    rows = [row for drug in drugs for row in reference.bindings(drug) if row.action.kind == "agonist"]
    assert rows
    seen = 0
    for row in rows:
        number = used.get(f"drug {row.drug} at {row.target}: efficacy")
        if number is not None:
            seen += 1
            assert number.basis == ("assumed" if row.efficacy is None else "measured")
    assert seen


def test_without_spikes_only_what_receptors_hear_counts():
    used = numbers_used("d2_occupancy")
    blocks = {n.where.split(".")[1] for n in used.numbers if n.where.startswith("circuit.")}
    assert blocks == {"sites", "pools"}
    assert not [n for n in used.numbers if ".effects." in n.where or ".release." in n.where]


def test_an_affinity_of_the_species_has_the_basis_of_its_row(tiny):
    path = tiny / "tiny_experiment.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("escitalopram", "CP-93129"), encoding="utf-8")
    circuit = tiny / "tiny.yaml"
    text = circuit.read_text(encoding="utf-8").replace("receptor: 5-HT1A", "receptor: 5-HT1B", 1)
    circuit.write_text(text, encoding="utf-8")
    rows = {row["species"]: row for row in reference.affinity_rows("CP-93129")}
    for species in ("rat", "mouse"):
        number = places(numbers_used("tiny_experiment", set={"species": species}))["drug CP-93129 at 5-HT1B: Ki"]
        assert (number.basis, number.source) == (rows[species]["basis"], rows[species]["source"])


def test_sources_are_those_of_the_numbers(tiny):
    used = sources_used("acute_escitalopram")
    keys = {topic: {entry.key for entry in entries} for topic, entries in used.publications.items()}
    for number in numbers_used("acute_escitalopram").numbers:
        known = reference.citation(number.source)
        if known is not None:
            assert {entry.key for entry in known.entries} <= keys.get(number.topic, set()), number
            assert known.entries or number.source in used.others[number.topic], number
    assert len({entry.key for entry in used.entries}) == len(used.entries) > 50
    assert used.entries[0].key == reference.SOFTWARE


def test_a_derived_number_cites_each_of_its_parts():
    texts = [text for text in reference.source_texts() if reference.citation(text).entries and "; " in text]
    one, two = texts[:2]
    entries, rest = _entries(f"{one}; {two}; a text that no table has")
    expected = [*reference.citation(one).entries, *reference.citation(two).entries]
    assert list(entries) == list(dict.fromkeys(expected))
    assert rest == ("a text that no table has",)


def test_assumptions_prints_counts_and_an_aligned_table(tiny, command):
    out, _ = command("assumptions", "tiny_experiment")
    lines = out.splitlines()
    assert lines[0] == "experiment tiny_experiment, circuit tiny, species rat"
    used = numbers_used("tiny_experiment")
    counts = ", ".join(f"{basis} {n}" for basis, n in used.counts.items())
    assert lines[1] == f"  {len(used.numbers)} numbers: {counts}"
    assert re.search(r"circuit\.populations\.VTA_DA\.drive +95 pA +fitted +grace1989", out)
    assert re.search(r"receptor D2: reserve of the assays +3 +assumed +assumed: between assays", out)
    heading = lines.index("Not measured") + 1
    column = lines[heading].index("basis")
    assert {line[column:].split()[0] for line in lines[heading + 1 :]} <= {*BASES, "not"} - {"measured"}
    assert len(lines) - heading - 1 == len(used.unmeasured)


def test_cite_names_the_software_the_papers_and_what_they_are_for(tiny, command):
    out, _ = command("cite", "tiny_experiment")
    assert re.search(r"^Software\n  The neurosim developers: neurosim: .* version \d", out, re.MULTILINE)
    assert re.search(r"^Drug escitalopram, binding\n  Owens.* 50:345", out, re.MULTILINE)
    assert "  (no publication) knock-out decay" in out


def test_cite_prints_bibtex_that_can_be_read(tiny, command):
    out, err = command("cite", "tiny_experiment", "--bibtex")
    entries = parse(out)
    assert set(entries) == {entry.key for entry in sources_used("tiny_experiment").entries}
    assert "version" in entries[reference.SOFTWARE].fields
    assert re.fullmatch(r"\d+ source\(s\) are no publication and have no entry: .*\n", err)


def test_set_reaches_both_commands(tiny, command):
    setting = ("--set", "arms.ssri.drugs.escitalopram.drug=haloperidol")
    assert "Drug haloperidol, binding" in command("cite", "tiny_experiment", *setting)[0]
    species = ("--set", "species=mouse")
    assert command("assumptions", "tiny_experiment", *species)[0].startswith(
        "experiment tiny_experiment, circuit tiny, species mouse"
    )

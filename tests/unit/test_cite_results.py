"""What a run used, from its folder: with all that --set changed, by the version that ran it."""

import pytest
from synthetic import results_folder

import neurosim as ns
from neurosim import reference
from neurosim.cli.citing import cite
from neurosim.errors import ResultSchemaError, SpecError
from neurosim.reference.bibtex import parse
from neurosim.runner import sources_of_results, sources_used
from neurosim.spec import digest, dump_yaml, load_experiment, plain

CHANGED = {"arms.escitalopram.drugs.escitalopram.drug": "fluoxetine", "species": "mouse"}


def told(experiment, **more):
    """As a run writes it into its summary."""
    return {
        "experiment_yaml": experiment.source_text,
        "circuit_yaml": dump_yaml(experiment.circuit),
        "experiment_digest": digest(experiment),
        "versions": '{"neurosim-da5ht": "0.0.7"}',
        **more,
    }


def as_run(experiment):
    return plain(experiment, without=("circuit",))


@pytest.fixture(scope="module")
def changed():
    return load_experiment("acute_escitalopram", set=CHANGED)


def test_a_run_with_settings_is_cited_as_it_was_run(tmp_path, changed):
    folder = results_folder(tmp_path, attributes=told(changed, experiment_as_run=as_run(changed)))
    found, asked = sources_of_results(folder), sources_used(changed)
    assert found.publications == asked.publications
    assert found.others == asked.others
    assert "drug fluoxetine, binding" in found.publications
    assert found.publications != sources_used("acute_escitalopram").publications
    assert found.software.fields["version"] == "0.0.7"


def test_a_folder_of_an_earlier_version_is_cited_where_its_file_says_all(tmp_path, changed):
    plain = load_experiment("acute_escitalopram")
    old = results_folder(tmp_path / "plain", attributes=told(plain))
    assert sources_of_results(old).publications == sources_used(plain).publications
    unsaid = results_folder(tmp_path / "set", attributes=told(changed))
    with pytest.raises(ResultSchemaError, match="does not say all that was run; give the experiment, with the same --set"):
        sources_of_results(unsaid)


def test_a_disorder_is_cited_from_the_folder_too(tmp_path):
    experiment = load_experiment("parkinson_grades")
    folder = results_folder(tmp_path, attributes=told(experiment, experiment_as_run=as_run(experiment)))
    assert sources_of_results(folder).publications == sources_used(experiment).publications


def test_a_run_leaves_what_it_takes_and_the_file_of_keys_parses(tmp_path, capsys):
    ns.run(load_experiment("d2_occupancy", set={"subjects": 1}), output=tmp_path, workers=1)
    capsys.readouterr()
    cite(str(tmp_path), {}, bibtex=True)
    entries = parse(capsys.readouterr().out)
    assert reference.SOFTWARE in entries
    assert set(entries) <= set(reference.bibliography())
    asked = sources_used("d2_occupancy")
    assert set(entries) == {entry.key for entry in asked.entries}


def test_a_folder_takes_no_settings(tmp_path):
    with pytest.raises(SpecError, match="a folder says what was run, so it takes no --set"):
        cite(str(tmp_path), {"subjects": "2"}, bibtex=True)

"""What every drug in every species promises: numbers with a basis and a source, or one clear refusal."""

from __future__ import annotations

import re

import pytest

from neurosim import pharmacology, reference
from neurosim.errors import NeurosimError, ReferenceDataError

BASES = {"measured", "fitted", "derived", "assumed"}


def known(kind, names):
    return pytest.mark.parametrize(kind, names)


@known("species", reference.species_names())
@known("drug", reference.drug_names())
def test_every_drug_has_parameters_with_a_basis_or_one_clear_refusal(drug, species):
    try:
        parameters = pharmacology.pk_parameters(drug, species)
    except ReferenceDataError as refusal:
        sentence = str(refusal)
        assert sentence.startswith(f"drug {drug} in {species}: no table gives ")
        assert "`concentration:`" in sentence and "\n" not in sentence
        return
    assert parameters.V > 0 and parameters.CL > 0
    assert 0 < parameters.fu_plasma <= 1 and parameters.Kpuu >= 0
    for route in reference.route_names():
        try:
            numbers = pharmacology.pk_provenance(drug, species, route)
            way = pharmacology.absorption(drug, species, route)
        except ReferenceDataError as refusal:
            assert re.match(
                rf"drug {re.escape(drug)} in {species}: no table gives the bioavailability of the route {route} for "
                r"any species; allowed: iv, ",
                str(refusal),
            )
            continue
        assert 0 < way.F <= 1 and (way.ka is None or way.ka > 0)
        for number in numbers:
            assert number.basis in BASES and number.source and number.text, number


@known("species", reference.species_names())
def test_the_usual_route_of_every_drug_with_kinetics_gives_a_report(species):
    for drug in reference.drug_names():
        try:
            route = pharmacology.usual_route(drug, species)
        except NeurosimError:
            continue
        given = type("Dose", (), {"drug": drug, "dose": 1.0, "route": route, "time": 0.0})
        found = pharmacology.plasma([given], species, 3600.0)
        assert next(iter(found)) == drug and all(c >= 0 for c in found.values())


def test_metabolites_are_formed_from_what_is_there():
    formed: dict[tuple[str, str], list[float]] = {}
    for parent in {row["parent"] for row in reference.table("metabolites.csv")}:
        assert reference.drug(parent).name == parent
        for species in reference.species_names():
            for row in reference.metabolites(parent, species):
                assert reference.drug(row.name).name == row.name != parent
                assert row.basis in BASES and row.source
                assert 0 < row.fraction <= 1 and 0 <= row.first_pass <= 1
                formed.setdefault((parent, species), []).append(row.fraction)
    assert all(sum(parts) <= 1 for parts in formed.values())


def test_no_drug_becomes_itself():
    def descend(drug, seen):
        assert drug not in seen, f"{drug} comes back through {seen}"
        for species in reference.species_names():
            for row in reference.metabolites(drug, species):
                descend(row.name, [*seen, drug])

    for row in reference.table("metabolites.csv"):
        descend(row["parent"], [])


def test_rows_of_metabolites_and_interactions_name_a_species_or_any():
    for name in ("metabolites.csv", "pk_interactions.csv"):
        for row in reference.table(name):
            assert row["species"] in (*reference.species_names(), "any")


def test_interactions_name_a_drug_a_target_an_action_that_some_drug_has_and_a_parameter():
    actions = {row["action"] for row in reference.table("actions.csv")}
    for row in reference.table("pk_interactions.csv"):
        assert reference.drug(row["victim"]).name == row["victim"]
        target = reference.target(row["with_target"]).name
        assert row["with_action"] in actions and row["basis"] in BASES and float(row["factor"]) > 0
        assert any(
            b.target == target and b.action.name == row["with_action"]
            for drug in reference.drug_names()
            for b in reference.bindings(drug)
        )
        stem, _, route = row["parameter"].partition("_")
        assert row["parameter"] in ("V", "CL", "fu_plasma", "Kpuu", "ke0") or (
            stem in ("F", "ka") and route in reference.route_names()
        )


@known("name", ["norfluoxetine", "paliperidone", "norquetiapine", "desvenlafaxine", "nortriptyline", "mCPP"])
def test_metabolites_that_have_numbers_are_simulated_in_man(name):
    (parent,) = {row["parent"] for row in reference.table("metabolites.csv") if row["metabolite"] == name}
    given = type("Dose", (), {"drug": parent, "dose": 1.0, "route": "oral", "time": 0.0})
    found = pharmacology.exposure([given], "human", 24 * 3600.0)
    assert list(found) == [parent, name] and all(c > 0 for c in found.values())


def test_a_trial_depends_on_the_rows_of_the_metabolite(monkeypatch):
    before = reference.rows_used(["fluoxetine"], carriers=[])
    keys = __import__("neurosim.reference.keys", fromlist=["table"])
    changed = {
        "metabolites.csv": ("parent", "fluoxetine", "fraction"),
        "pk_parameters.csv": ("drug", "norfluoxetine", "value"),
    }
    original = keys.table
    for file, (column, value, cell) in changed.items():

        def other(name, file=file, column=column, value=value, cell=cell):
            rows = original(name)
            if name != file:
                return rows
            return tuple({**r, cell: "9" + r[cell]} if r[column] == value else r for r in rows)

        monkeypatch.setattr(keys, "table", other)
        assert reference.rows_used(["fluoxetine"], carriers=[]) != before
        monkeypatch.setattr(keys, "table", original)

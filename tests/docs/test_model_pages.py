"""The pages of the model say what the code holds: its parameters, its variables, its constants, sources that exist."""

import importlib
import math
import re
from dataclasses import fields, is_dataclass

import pytest
from docs.pages import DOCS, page_paths

from neurosim import models, pharmacology, reference
from neurosim.analysis import spikes
from neurosim.build import chemistry, plan, slow, subject
from neurosim.calibration import fit
from neurosim.reference import bibliography
from neurosim.spec._model import CITATION

PAGES = sorted((DOCS / "model").glob("*.md"))
#: What a circuit is made of, as far as it enters an equation.
DESCRIBED = (
    *("AdaptiveExponential", "Population", "SynapseKind", "Projection", "Plasticity", "Pool", "Release", "Transporter"),
    *("NearField", "Regulation", "Effect", "Site", "Stimulation"),
)
#: Bookkeeping of the slow loop, which stands in no equation.
BOOKKEEPING = {"pool", "settle", "count", "near_terminal", "c_start", "nu_relax"}


def tables(what):
    """(page, dotted name, names in the first column) of every table below a mark ``<!-- what: NAME -->``."""
    for path in PAGES:
        for name, table in re.findall(rf"<!-- {what}: ([\w.]+) -->\n\n((?:\|.*\n)+)", path.read_text(encoding="utf-8")):
            rows = table.splitlines()[2:]
            yield path.name, name, [key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])]


def named(dotted):
    """The object of a dotted name."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(dotted)


def keys_of(model):
    """What a file may write, or a row holds, without where it comes from."""
    if is_dataclass(model):
        return {field.name for field in fields(model)}
    return {field.alias or name for name, field in model.model_fields.items()} - set(CITATION)


@pytest.mark.parametrize(("page", "name", "keys"), [pytest.param(*found, id=found[1]) for found in tables("keys")])
def test_the_parameters_of_a_page_are_those_of_the_model(page, name, keys):
    assert len(keys) == len(set(keys))
    assert set(keys) == keys_of(named(name))


def test_everything_that_a_circuit_is_made_of_is_described():
    assert {f"neurosim.spec.{name}" for name in DESCRIBED} <= {name for _, name, _ in tables("keys")}


@pytest.mark.parametrize(("page", "name", "found"), [pytest.param(*found, id=found[1]) for found in tables("variables")])
def test_the_variables_of_a_page_are_those_of_the_equations(page, name, found):
    declared = set(re.findall(r"^(?:d)?(\w+?)(?:/dt =.*)? :", named(name).equations, re.M))
    assert set(found) <= declared
    left = {variable for variable in declared - set(found) if not variable.startswith("sum_")}
    assert left <= BOOKKEEPING, f"{page} says nothing of {sorted(left)}"


def test_three_groups_of_equations_have_their_variables_described():
    assert {name for _, name, _ in tables("variables")} == {f"neurosim.models.{n}" for n in ("POOLS", "TERMINALS", "SITES")}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_places_in_the_code_exist(path):
    for dotted in re.findall(r"`(neurosim(?:\.\w+)+)`", path.read_text(encoding="utf-8")):
        named(dotted)


def test_every_page_of_equations_names_its_place_in_the_code():
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        if "$$" in text:
            assert "*Code*:" in text, path.name


@pytest.mark.parametrize("path", page_paths(), ids=lambda path: path.name)
def test_every_citation_is_in_the_bibliography(path):
    for text in re.findall(r"\{cite\}`([^`]+)`", path.read_text(encoding="utf-8")):
        for key in text.split(","):
            assert key.strip() in bibliography(), key


CONSTANTS = {
    "synapses.md": [
        (r"\{([\d.]+)\\,\\mathrm\{mM\}\}", models.MG_HALF),
        (r"e\^\{-([\d.]+) V/\\mathrm\{mV\}\}", models.cells.MG_SLOPE / 1e3),
    ],
    "stores.md": [(r"\\rho_Q = (\d+)\\,", models.room(1.95, 2.0) / 0.05)],
    "receptors.md": [
        (r"longer than (\d+) ms", 1e3 * pharmacology.readout()),
        (r"D2: (\d+) nM", reference.receptor("D2").K_func),
    ],
    "slow_clock.md": [
        (r"at most (\d) s of settling", plan.COUPLING[0]),
        (r"(\d) s of recording", plan.COUPLING[1]),
        (r"relative error \$10\^\{(-\d)\}\$", math.log10(slow._RTOL)),
        (r"(\d+) moments", slow._MOMENTS),
    ],
    "pharmacokinetics.md": [(r"\\right\)\^\{([\d.]+)\}", reference.pk_default("allometric_exponent").value)],
    "readouts.md": [(r"above ([\d.]+) Hz", spikes.ACTIVE_RATE), (r"at most (\d+) ms", 1e3 * spikes.BURST_START)],
    "cells.md": [(r"cut at ([\d.]+) standard", subject._CUT_SD)],
    "fitting.md": [(r"bounds \(a factor of (\d+)\)", fit.BOUND), (r"prior \(a factor of (\d)", math.exp(fit._PRIOR_SD))],
}


def words_of(page):
    """A page of the model as one line."""
    return " ".join((DOCS / "model" / page).read_text(encoding="utf-8").split())


@pytest.mark.parametrize("page", CONSTANTS)
def test_numbers_on_a_page_are_those_of_the_code(page):
    text = words_of(page)
    for pattern, value in CONSTANTS[page]:
        found = re.search(pattern, text)
        assert found, pattern
        assert float(found[1]) == pytest.approx(value), pattern


def test_numbers_in_words_are_those_of_the_code():
    assert chemistry._SETTLE_PART == 0.2 and "longer than a fifth" in words_of("numerics.md")
    assert slow._MOVED == 0.1 and "moved by a tenth" in words_of("slow_clock.md")


def test_the_count_of_what_passes_is_that_of_the_scoreboard():
    text = words_of("limits.md")
    scored, passed, right, signed = re.search(
        r"Of the (\d+) scored rows that are not about PET (\d+) pass; (\d+) of the (\d+) with a sign", text
    ).groups()
    row = re.search(r"^\| all but pet .*$", (DOCS / "validation.md").read_text(encoding="utf-8"), re.M)[0]
    cells = [cell.strip().split(" ")[0] for cell in row.strip("| ").split("|")]
    assert (scored, passed, signed, right) == (cells[1], cells[2], cells[5], cells[6])

"""Units at the door: what is read, what is refused, and that equal quantities are equal numbers."""

import copy
import pickle

import numpy as np
import pytest

from neurosim import units
from neurosim.errors import UnitError
from neurosim.units import Quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("-50 mV", "voltage", -0.05),
        ("40pA", "current", 40e-12),
        ("1e3 nS", "conductance", 1e-6),
        ("90 pF", "capacitance", 90e-12),
        ("0.1 ms", "time", 1e-4),
        ("5 min", "time", 300.0),
        ("2 weeks", "time", 1209600.0),
        ("4 Hz", "rate", 4.0),
        ("0.1 1/s", "rate", 0.1),
        ("0.2 uM", "concentration", 200.0),
        ("0.2 µM", "concentration", 200.0),
        ("1300 nM/s", "flux", 1300.0),
        ("1.3 uM/s", "flux", 1300.0),
        ("10 mg/kg", "dose", 10.0),
        ("500 ug/kg", "dose", 0.5),
        ("3.6 mg/kg/h", "dose_rate", 1e-3),
        ("12 L/kg", "volume", 12.0),
        ("3.6 L/kg/h", "clearance", 1e-3),
        ("5 nM/Hz", "near_field", 5.0),
        ("324.4 g/mol", "molar_mass", 324.4),
        ("1 mM", "ion_concentration", 1.0),
        ("0.9", "fraction", 0.9),
        ("-0.6", "number", -0.6),
        (".5", "number", 0.5),
    ],
)
def test_internal_unit(text, dimension, value):
    quantity = units.parse(text, dimension)
    assert float(quantity) == value
    assert quantity.dimension == dimension
    assert str(quantity) == repr(quantity) == f"{quantity}" == text


@pytest.mark.parametrize(
    "spellings",
    [
        ("voltage", "57 mV", "0.057 V", "57000 uV"),
        ("time", "1 h", "60 min", "3600 s"),
        ("concentration", "0.7 nM", "700 pM", "0.0007 uM"),
        ("conductance", "0.3 nS", "300 pS"),
        ("rate", "3 Hz", "3 1/s", "180 1/min"),
    ],
)
def test_spelling_does_not_matter(spellings):
    """Decimal arithmetic rounds once, so all spellings are the same float and not only close."""
    dimension, *texts = spellings
    assert len({float(units.parse(text, dimension)).hex() for text in texts}) == 1


def test_negative_zero_is_zero():
    assert repr(float(units.parse("-0 mV", "voltage"))) == "0.0"


@pytest.mark.parametrize(
    ("text", "dimension", "words"),
    [
        ("3 mV", "concentration", "'3 mV' is a voltage; needs a concentration, e.g. '50 nM'"),
        ("2 nm", "concentration", "'2 nm' is in nm; needs a concentration, e.g. '50 nM'"),
        ("10", "dose", "'10' has no unit; needs a dose, e.g. '10 mg/kg'"),
        ("10 mg", "dose", "'10 mg' is in mg; needs a dose, e.g. '10 mg/kg'"),
        ("10 mg/kg", "number", "'10 mg/kg' is a dose; needs a number without a unit, e.g. 0.5"),
        ("50 %", "fraction", "'%' is not a unit; needs a fraction without a unit, e.g. 0.5"),
        ("5 sec onds", "time", "unknown unit 'sec onds'; needs a time, e.g. '5 s'"),
        (
            "five s",
            "time",
            "'five s' is not a quantity: a number comes first, then a unit; needs a time, e.g. '5 s'",
        ),
        ("1,5 s", "time", "',5 s' is not a unit; needs a time, e.g. '5 s'"),
        ("3 dBm", "time", "unknown unit 'dBm'; needs a time, e.g. '5 s'"),
        ("1e400 s", "time", "'1e400 s' is out of range"),
        (
            "nan s",
            "time",
            "'nan s' is not a quantity: a number comes first, then a unit; needs a time, e.g. '5 s'",
        ),
    ],
)
def test_refusal_names_both_dimensions(text, dimension, words):
    with pytest.raises(UnitError) as error:
        units.parse(text, dimension)
    assert str(error.value) == words


@pytest.mark.parametrize(
    "text", ["", " ", "1e9999999999999999999999 s", "1" * 500, "1 " + "s*" * 300 + "s", "1 ((", "1 s^99"]
)
def test_no_text_escapes_as_another_error(text):
    with pytest.raises(UnitError):
        units.parse(text, "time")


def test_unknown_dimension_is_named():
    with pytest.raises(UnitError, match="unknown dimension 'tiem'; did you mean 'time'?"):
        units.parse("1 s", "tiem")


def test_quantity_is_a_float_that_remembers_its_text():
    quantity = units.parse("10 mV", "voltage")
    assert quantity * 2 == 0.02
    assert type(quantity * 2) is float
    assert np.array([quantity]).dtype == np.float64
    assert f"{quantity:.3f}" == "0.010"
    assert quantity.to("uV") == 10_000.0
    assert quantity.unit == "mV"
    for twin in (copy.deepcopy(quantity), pickle.loads(pickle.dumps(quantity))):
        assert (float(twin), twin.text, twin.dimension) == (0.01, "10 mV", "voltage")


def test_quantity_from_a_float_is_written_in_the_internal_unit():
    assert str(Quantity(0.01, "voltage")) == "0.01 V"
    assert str(Quantity(0.5, "fraction")) == "0.5"


def test_format_takes_a_unit_and_refuses_a_wrong_one():
    assert units.format(0.01, "voltage", "mV") == "10.0 mV"
    assert units.format(2.0, "concentration") == "2.0 nM"
    with pytest.raises(UnitError, match="'nM' is a concentration; needs a voltage"):
        units.format(0.01, "voltage", "nM")


def test_body_weight_does_not_cancel():
    """mg/kg is a dose per body weight and no bare number of 1e-6."""
    assert units.dimension_of("mg/kg") == "dose"
    assert units.dimension_of("L/kg/h") == "clearance"
    with pytest.raises(UnitError):
        units.parse("1e-6", "dose")


def test_every_dimension_has_an_example_that_it_reads():
    for dimension in units.INTERNAL_UNITS:
        assert units.parse(units.example(dimension).strip("'"), dimension).dimension == dimension


@pytest.mark.parametrize("unit", units._USUAL)
def test_units_that_are_at_hand_are_those_of_pint(unit):
    if unit:
        assert units._USUAL[unit] == units._asked(unit)
    else:
        assert units._USUAL[unit] == (1, str(units._registry().dimensionless.dimensionality))

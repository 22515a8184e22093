"""Round trip, stability of hashes, and that no file, however broken, ends in anything but a sentence."""

import functools
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim import units
from neurosim.errors import NeurosimError, UnitError
from neurosim.spec import (
    Circuit,
    Experiment,
    digest,
    dump_yaml,
    load_circuit,
    load_experiment,
    plain,
    set_value,
)

DATA = Path(__file__).parents[1] / "data"
TEXTS = {
    "circuit": (DATA / "tiny.yaml").read_text(),
    "experiment": (DATA / "tiny_experiment.yaml").read_text(),
}
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
QUICK = settings(max_examples=200, deadline=None)

#: Paths of the tiny circuit with a unit and a range in which every value is possible.
QUANTITIES = {
    "populations.VTA_DA.drive": ("pA", 0, 500),
    "populations.VTA_DA.parameters.C_m": ("pF", 1, 500),
    "populations.DRN_HT.noise.sigma": ("pA", 0, 100),
    "projections.DRN_HT__VTA_DA.weight": ("nS", 0, 10),
    "projections.DRN_HT__VTA_DA.delay": ("ms", 0.2, 50),
    "pools.NAc.DA.release.VTA_DA.quantum": ("nM", 0, 1000),
    "pools.DRN.5-HT.transporters.SERT.DRN_HT.V_max": ("nM/s", 0, 5000),
    "pools.VTA.5-HT.k_out": ("1/s", 0, 10),
    "sites.D2_NAc.near_field.h": ("nM/Hz", 0, 100),
    "sites.HT1A_DRN.tau": ("", 0.1, 100),
    "sites.HT1A_DRN.EC_50": ("nM", 0.1, 1000),
    "sites.D2_VTA.effects.0.girk": ("nS", 0, 10),
}


@functools.cache
def tiny():
    return load_circuit(DATA / "tiny.yaml")


@functools.cache
def tiny_experiment():
    return load_experiment(DATA / "tiny_experiment.yaml")


@st.composite
def edits(draw):
    """A few (path, text) that keep the tiny circuit valid."""
    chosen = draw(st.lists(st.sampled_from(sorted(QUANTITIES)), min_size=1, max_size=4, unique=True))
    pairs = []
    for path in chosen:
        unit, low, high = QUANTITIES[path]
        number = draw(st.floats(low, high, allow_nan=False, allow_subnormal=False))
        pairs.append((path, f"{number!r} {unit}".strip()))
    return pairs


def with_edits(pairs):
    document = plain(tiny())
    for path, text in pairs:
        document = set_value(document, path, text)
    return document


printable = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@SLOW
@given(edits(), printable, printable)
def test_circuit_round_trip(tmp_path, pairs, description, note):
    document = with_edits(pairs)
    document["description"] = description
    document["sites"]["D2_VTA"]["note"] = note
    circuit = Circuit(**document)
    path = tmp_path / "c.yaml"
    path.write_bytes(dump_yaml(circuit).encode())
    again = load_circuit(path)
    assert again == circuit
    assert (again.description, again.sites["D2_VTA"].note) == (description, note)
    assert digest(again) == digest(circuit)
    assert dump_yaml(again) == dump_yaml(circuit)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["on", "no", "null", "1e3", "5-HT", "012"]
)


@SLOW
@given(
    st.lists(names, min_size=1, max_size=4, unique=True),
    st.lists(names, min_size=1, max_size=3, unique=True),
    st.floats(0, 100),
    st.integers(0, 2**63 - 1),
    st.booleans(),
)
def test_experiment_round_trip(tmp_path, arms, phases, dose, seed, spikes):
    experiment = Experiment(
        name=arms[0],
        circuit=tiny(),
        seed=seed,
        protocol={"spikes": spikes, "phases": [{"name": name, "record": "20 ms"} for name in phases]},
        arms={name: {"drugs": [{"drug": name, "dose": f"{dose!r} mg/kg", "route": "ip"}]} for name in arms},
        reference={"arm": arms[-1], "phase": phases[-1]},
    )
    path = tmp_path / "e.yaml"
    path.write_text(dump_yaml(experiment))
    again = load_experiment(path)
    assert again == experiment
    assert list(again.arms) == arms
    assert digest(again) == digest(experiment)


def shuffled(value, rng):
    """The same mappings with their keys in another order; lists keep theirs."""
    if isinstance(value, dict):
        keys = list(value)
        rng.shuffle(keys)
        return {key: shuffled(value[key], rng) for key in keys}
    return [shuffled(item, rng) for item in value] if isinstance(value, list) else value


PREFIXES = {"": 0, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}


def respelled(value, rng):
    """The same quantities with other SI prefixes."""
    if isinstance(value, dict):
        return {key: respelled(item, rng) for key, item in value.items()}
    if isinstance(value, list):
        return [respelled(item, rng) for item in value]
    if not isinstance(value, str) or " " not in value:
        return value
    number, _, unit = value.partition(" ")
    for base in ("V", "A", "S", "F", "s", "M"):
        head, _, rest = unit.partition("/")
        if head in {prefix + base for prefix in PREFIXES} and head != "":
            new = rng.choice(list(PREFIXES))
            shift = PREFIXES[head[: -len(base)]] - PREFIXES[new]
            return f"{Decimal(number).scaleb(shift)} {new}{base}{'/' + rest if rest else ''}"
    return value


@SLOW
@given(edits(), st.randoms(use_true_random=False))
def test_hash_does_not_see_order_or_spelling(pairs, rng):
    document = with_edits(pairs)
    one, other = Circuit(**document), Circuit(**respelled(shuffled(document, rng), rng))
    assert digest(one) == digest(other)
    assert one == other


@SLOW
@given(edits(), edits())
def test_hash_sees_every_number(first, second):
    one, other = Circuit(**with_edits(first)), Circuit(**with_edits(second))
    assert (digest(one) == digest(other)) == (one == other)


@QUICK
@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30),
    st.sampled_from(sorted(units.INTERNAL_UNITS)),
)
def test_formatted_numbers_read_back(value, dimension):
    quantity = units.parse(units.format(value, dimension), dimension)
    assert float(quantity) == value


@QUICK
@given(
    st.text(max_size=40) | st.from_regex(r"[-+0-9.e]{1,6} ?[a-zA-Z0-9*/^ ]{0,12}"),
    st.sampled_from(sorted(units.INTERNAL_UNITS)),
)
def test_no_text_escapes_the_unit_parser(text, dimension):
    try:
        quantity = units.parse(text, dimension)
    except UnitError as error:
        assert str(error)
    else:
        assert abs(float(quantity)) < float("inf")


LINES = st.sampled_from(["delete", "double", "swap", "indent", "cut", "replace", "join"])
JUNK_WORDS = [
    "",
    "x",
    ":",
    "- a",
    "{",
    "]",
    "'",
    '"',
    "&a",
    "*a",
    "!!int 3",
    "? k",
    "---",
    "\t",
    "|",
    ">",
    "#",
    "null",
    "~",
]
JUNK = st.sampled_from([*JUNK_WORDS, "%YAML 1.1"]) | st.text(max_size=12)


@st.composite
def broken(draw, text):
    """A valid file after a few accidents."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        k, junk = draw(st.integers(0, len(lines) - 1)), draw(JUNK)
        accident = draw(LINES)
        if accident == "delete":
            del lines[k]
        elif accident == "double":
            lines.insert(k, lines[k])
        elif accident == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[k], lines[other] = lines[other], lines[k]
        elif accident == "indent":
            lines[k] = draw(st.sampled_from([" ", "    ", "\t"])) + lines[k]
        elif accident == "cut":
            lines[k] = lines[k][: draw(st.integers(0, len(lines[k])))]
        elif accident == "join":
            lines[k] += junk
        else:
            head = lines[k].split(":")[0]
            lines[k] = f"{head}: {junk}"
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["circuit", "experiment"])
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_no_broken_file_ends_in_a_traceback(tmp_path, kind, data):
    text = data.draw(broken(TEXTS[kind]) | st.text(max_size=200))
    (tmp_path / "tiny.yaml").write_text(TEXTS["circuit"])
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    load = load_circuit if kind == "circuit" else load_experiment
    try:
        model = load(path)
    except NeurosimError as error:
        assert str(error).strip()
    else:
        assert digest(model)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_end_in_a_traceback(tmp_path, data):
    path = tmp_path / "f.yaml"
    path.write_bytes(data)
    with pytest.raises(NeurosimError):
        load_circuit(path)


@SLOW
@given(
    st.text(max_size=30) | st.from_regex(r"[a-z*.\[\]\"0-9]{1,20}"),
    st.text(max_size=10) | st.integers() | st.booleans() | st.none(),
)
def test_no_setting_ends_in_a_traceback(path, value):
    try:
        load_experiment(DATA / "tiny_experiment.yaml", set={path: value})
    except NeurosimError as error:
        assert str(error).strip()

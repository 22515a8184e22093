"""What libyaml reads is what ruamel, which knows all of YAML 1.2, reads; and what is written reads as what it was."""

from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neurosim import spec
from neurosim.errors import SpecError
from neurosim.spec import _yaml_whole
from neurosim.spec._tree import Block, Items
from neurosim.spec._yaml import parse_document, write_yaml
from neurosim.spec._yaml_quick import quick_document
from neurosim.spec._yaml_whole import document_of

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for folder in ("circuits", "experiments", "neurosim", "tests", "docs") for path in (ROOT / folder).rglob("*.yaml")
)
#: Signs that mean something to YAML, alone and where they do.
SIGNS = [*" :#-?,[]{}&*!|>'\"%@`~=.\\</\n\t\r\x85\xa0\u2028\ufeffa1µ"]
SIGNS += [": ", "- ", " #"]
SIGNS += ["\n  ", "\n- ", "\nb: ", "{a: 1}", "[a, b]", "''", "---", "...", "&a ", "*a", "null", ">-\n", "}, "]
BEGINNINGS = ["", "k: ", "k:\n  ", "k:\n- ", "k: {", "k: {a: ", "k: [a, ", "k: &a {a: ", "k: >-\n  "]
ENDS = ["", "}", "]", "}}", "\nz: 1", "\n  z: 1", "\n- z", "\nz: *a", "}\nz: *a", "}\nz: [*a, *a]"]


def same(a, b) -> bool:
    """Equal in kind, content, order and places."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Block):
        return (a.mark, a.marks, list(a)) == (b.mark, b.marks, list(b)) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, Items):
        return (a.mark, a.marks, len(a)) == (b.mark, b.marks, len(b)) and all(map(same, a, b))
    return a == b


def check(text: str) -> None:
    quick = quick_document(text, "f.yaml")
    event("read quickly" if quick is not None else "left to ruamel")
    if quick is not None:
        assert same(quick, document_of(text, "f.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_of_ours_is_read_quickly_and_the_same(path):
    text = path.read_text(encoding="utf-8")
    quick = quick_document(text, path.name)
    assert quick is not None, "ruamel would have to read it, twenty times slower"
    assert same(quick, document_of(text, path.name))


@st.composite
def pieces(draw) -> str:
    """Some lines of a file of ours, a few signs changed."""
    lines = draw(st.sampled_from(FILES)).read_text(encoding="utf-8").split("\n")
    first = draw(st.integers(0, len(lines) - 1))
    lines = lines[first : first + draw(st.integers(1, 12))]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = "\n".join(line[indent:] for line in lines)
    for _ in range(draw(st.integers(0, 3))):
        at, cut = draw(st.integers(0, len(text))), draw(st.integers(0, 2))
        text = text[:at] + draw(st.sampled_from(SIGNS)) + text[at + cut :]
    return text


@given(pieces())
@settings(max_examples=500, deadline=None)
def test_files_with_signs_changed_are_read_the_same_or_left_to_ruamel(text):
    check(text)


@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(SIGNS), max_size=10), st.sampled_from(ENDS))
@settings(max_examples=2000, deadline=None)
def test_any_signs_are_read_the_same_or_left_to_ruamel(begin, signs, end):
    check(begin + "".join(signs) + end)


LEFT = ['k: "\\t"', "a: 1\n---\nb: 2", "a: 1\na: 2", "k: a: b", "k:\t1", "%YAML 1.1\n---\na: 1", "k: a\x85b", "k: !!str a"]
LEFT += ["k: >#\n  z", "k: >-\n  \n   a"]


@pytest.mark.parametrize("text", LEFT)
def test_what_is_not_known_is_left_to_ruamel(text):
    assert quick_document(text, "f.yaml") is None


def test_a_text_is_no_larger_for_being_read_quickly():
    many = "k: &a [" + ", ".join(["x"] * 30_000) + "]\nl: [" + ", ".join(["*a"] * 4) + "]\n"
    with pytest.raises(SpecError):
        parse_document(f"{many}m: [{', '.join(['*a'] * 40)}]\n", "f.yaml")
    deep = "k: " + "[" * 61 + "]" * 61
    with pytest.raises(SpecError, match="nested more than"):
        parse_document(deep, "f.yaml")


OTHERS = ["true", "1e3", "2020-01-01", "0x1", "10 mV", ".inf", "_", "12.50", "\x07", "no", "null", "~"]
WORDS = st.one_of(st.lists(st.sampled_from([*SIGNS, *OTHERS]), max_size=5).map("".join), st.text(max_size=8))
NUMBERS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none())
DATA = st.recursive(
    WORDS | NUMBERS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)


def reads_as(read, data) -> bool:
    """Whether what was read, all of it text, is the data that was written."""
    if isinstance(data, dict):
        return list(read) == list(data) and all(reads_as(read[key], data[key]) for key in data)
    if isinstance(data, list):
        return len(read) == len(data) and all(map(reads_as, read, data))
    if isinstance(data, bool):
        return read == ("true" if data else "false")
    return (type(data)(read) if isinstance(data, int | float) else read) == data


@given(st.dictionaries(WORDS, DATA, min_size=1, max_size=3))
@settings(max_examples=1000, deadline=None)
def test_data_is_read_as_it_was_written(data):
    assert reads_as(document_of(write_yaml(data), "f.yaml"), data)
    assert reads_as(parse_document(write_yaml(data), "f.yaml"), data)


@pytest.mark.parametrize("name", spec.list_experiments())
def test_experiments_of_ours_are_read_as_they_were_written(name):
    data = spec.plain(spec.load_experiment(name))
    text = write_yaml(data)
    assert quick_document(text, "f.yaml") is not None and reads_as(parse_document(text, "f.yaml"), data)


def test_what_is_wrong_with_a_text_is_said_by_ruamel_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(_yaml_whole, "document_of", lambda text, file: asked.append(text) or {})
    parse_document("k: [1, 2", "only_here.yaml")
    parse_document("k: [1, 2]", "only_here.yaml")
    assert asked == ["k: [1, 2"]

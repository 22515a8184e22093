"""Files become text, mappings and lists, and nothing is guessed."""

import pytest

from neurosim.errors import SpecError
from neurosim.spec._yaml import mark_of, parse_document, write_yaml


def test_no_scalar_is_interpreted():
    document = parse_document(
        "a: on\nb: no\nc: 1e3\nd: 012\ne: 2001-01-01\nf: 5-HT\ng: 0x1F\nyes: y\n5-HT: {1: 2}\nq: '10'\n",
        "f.yaml",
    )
    assert document == {
        "a": "on",
        "b": "no",
        "c": "1e3",
        "d": "012",
        "e": "2001-01-01",
        "f": "5-HT",
        "g": "0x1F",
        "yes": "y",
        "5-HT": {"1": "2"},
        "q": "10",
    }


def test_nothing_is_none_and_quoted_nothing_is_text():
    assert parse_document("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n", "f.yaml") == {
        "a": None,
        "b": None,
        "c": None,
        "d": "",
        "e": "null",
    }


def test_every_key_and_item_remembers_its_line():
    document = parse_document("a: 1\nb:\n  c: 2\n  d:\n    - x\n    - {y: 3}\n", "f.yaml")
    lines = {
        path: str(mark_of(document, path)) for path in [("a",), ("b", "c"), ("b", "d", 1, "y"), ("b", "zzz")]
    }
    assert lines == {
        ("a",): "f.yaml:1",
        ("b", "c"): "f.yaml:3",
        ("b", "d", 1, "y"): "f.yaml:6",
        ("b", "zzz"): "f.yaml:2",
    }


def test_aliases_repeat_what_their_anchor_holds():
    document = parse_document("a: &cell {C_m: 90 pF}\nb: *cell\n", "f.yaml")
    assert document["b"] == {"C_m": "90 pF"}


def test_repeated_aliases_cannot_take_the_memory():
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    laughs += "".join(f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 30))
    with pytest.raises(SpecError, match="f.yaml:6: holds more than 200000 values"):
        parse_document(laughs, "f.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "f.yaml: is empty"),
        ("# only a comment\n", "f.yaml: is empty"),
        ("- a\n- b\n", "f.yaml:1: is not a mapping; a file begins with 'schema: ...'"),
        ("just text", "f.yaml:1: is not a mapping; a file begins with 'schema: ...'"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: the key 'a' is given twice, first in line 1"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document begins here; a file holds one"),
        ("a:\n\tb: 1\n", "f.yaml:2: a tab is used for indentation; YAML allows only spaces there"),
        (
            "a: !!int 3\n",
            "f.yaml:1: the tag !!int is not allowed; a file holds plain text, mappings and lists",
        ),
        ("a: !!python/object:os.system {}\n", "f.yaml:1: the tag !!python/object:os.system is not allowed"),
        ("[a]: 1\n", "f.yaml:1: a key must be text"),
        ("? {a: 1}\n: 2\n", "f.yaml:1: a key must be text"),
        ("a: *b\n", "f.yaml:1: the alias *b refers to nothing above it"),
        ("a: &a [*a]\n", "f.yaml:1: the alias *a refers to nothing above it"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2: is not valid YAML"),
        ("a: 'open\n", "f.yaml:2: is not valid YAML"),
        ('a: "\\U99999999"\n', "f.yaml: is not valid YAML"),
        ("a: " + "[" * 3000, "f.yaml:1: is nested more than 60 levels deep"),
        ("a: \x07\n", "f.yaml: holds characters that YAML does not allow; is it a text file?"),
    ],
)
def test_broken_text_is_one_sentence(text, words):
    with pytest.raises(SpecError) as error:
        parse_document(text, "f.yaml")
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_written_text_reads_back():
    data = {
        "a": "on",
        "b": {"5-HT": "1e3", "": "null"},
        "c": ["x: y", "# no comment", " padded ", "two\nlines\n", "µ"],
        "line ends": ["\x85", "a\u2028b", "\r", " \n", "\x00", "\ufeff"],
    }
    assert parse_document(write_yaml(data), "f.yaml") == data

"""Every public name says what it is, what it takes and what it gives."""

import importlib
import inspect
import re

import pytest

MODULES = ("neurosim", "neurosim.analysis", "neurosim.analysis.plots")
CLASSES = ("neurosim.analysis.Results", "neurosim.analysis.plots.Plot")
_ELSEWHERE = re.compile(r"(?:[Ss]ee|as of) :(?:func|meth):`~?([\w.]+)`")


def _named(module, name):
    return getattr(importlib.import_module(module), name)


def _functions():
    """Every public function and method, once."""
    found = {}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            value = _named(module, name)
            if inspect.isfunction(value):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    for dotted in CLASSES:
        owner = _named(*dotted.rsplit(".", 1))
        for name, value in vars(owner).items():
            if inspect.isfunction(value) and not name.startswith("_"):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return [pytest.param(value, id=name) for name, value in found.items()]


def _words(function):
    """Docstring of a function; where it sends the reader to another one, that of the other too."""
    text = inspect.getdoc(function) or ""
    for name in _ELSEWHERE.findall(text):
        home, _, last = name.rpartition(".")
        other = _named(home, last) if home else inspect.unwrap(function).__globals__[last]
        text += "\n\n" + _words(other)
    return text


def _parameters(function):
    parameters = list(inspect.signature(function).parameters.values())
    known = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    return [name for name in known if name not in ("self", "results")]


def _section(text, title):
    """Names that a section of a docstring describes."""
    found = re.search(rf"^{title}\n-+\n(.*?)(?:\n\n[A-Z][a-z]+\n-+\n|\Z)", text, re.M | re.S)
    if found is None:
        return set()
    heads = re.findall(r"^(\S.*)$", found[1], re.M)
    return {name.strip(" *") for head in heads for name in head.split(" : ")[0].split(",")}


@pytest.mark.parametrize("function", _functions())
def test_a_function_describes_its_parameters(function):
    text = _words(function)
    assert text.strip(), "no docstring"
    undescribed = [name for name in _parameters(function) if name not in _section(text, "Parameters")]
    is_plain = len(_parameters(function)) == 1 and not re.search(r"^Parameters$", text, re.M)
    assert is_plain or not undescribed, f"its docstring does not describe {', '.join(undescribed)}"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_docstring(module):
    for name in importlib.import_module(module).__all__:
        value = _named(module, name)
        assert not callable(value) or (inspect.getdoc(value) or "").strip(), name


@pytest.mark.parametrize("dotted", CLASSES)
def test_every_public_attribute_of_a_class_has_a_docstring(dotted):
    owner = _named(*dotted.rsplit(".", 1))
    about = inspect.getdoc(owner)
    for name, value in vars(owner).items():
        if not name.startswith("_") and not isinstance(value, str | tuple | int):
            assert (inspect.getdoc(value) or "").strip() or re.search(rf"^[\w, ]*\b{name}\b", about, re.M), name

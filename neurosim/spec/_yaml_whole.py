"""All of YAML 1.2 by ruamel's parser, and the sentences on what is wrong with a text."""

from __future__ import annotations

import io

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from neurosim.errors import SpecError
from neurosim.spec._model import Mark
from neurosim.spec._tree import Block
from neurosim.spec._yaml_build import Builder

__all__ = ["document_of"]


def document_of(text: str, file: str) -> Block:
    """The document of any YAML text.

    Raises
    ------
    SpecError
        One sentence with the line: no valid YAML, not one mapping, or more of YAML than plain text, mappings and lists.
    """
    try:
        return Builder(file).build(YAML(typ="safe", pure=True).parse(io.StringIO(text)))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(file, None if mark is None else mark.line + 1)
        raise SpecError(f"{place}: {_yaml_sentence(error)}") from None
    except YAMLError:
        raise SpecError(f"{file}: holds characters that YAML does not allow; is it a text file?") from None
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        AssertionError,
        OverflowError,
    ) as error:
        if isinstance(error, SpecError):
            raise
        # The parser itself stumbles over some broken escapes and directives.
        raise SpecError(f"{file}: is not valid YAML ({error})") from None


def _yaml_sentence(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or error).split())
    if "\\t" in problem:
        return "a tab is used for indentation; YAML allows only spaces there"
    context = " ".join(str(error.context).split()) + ": " if error.context and error.problem else ""
    return f"is not valid YAML: {context}{problem}"

"""What all spec models share: frozen, no unknown keys, one kind of error, and a memory of their file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import GenericAlias
from typing import Any, ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from pydantic_core import PydanticCustomError, core_schema

from neurosim.errors import SpecError

__all__ = [
    "CITATION",
    "Model",
    "Named",
    "Mark",
    "Origin",
    "Problem",
    "Path",
    "problem_error",
    "raise_problems",
]

Path = tuple[str | int, ...]

#: Keys by which a block says where its numbers come from.
CITATION = ("source", "locator", "basis", "note")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; ``line`` counts from 1, None where there is no file (``--set``)."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model was read.

    Attributes
    ----------
    document : Block
        The whole document that holds it.
    path : Path
        From the document's root to the model.
    edits : mapping from Path to Mark
        Values that were set from elsewhere (``--set``, ``scan``, an arm's ``set:``).
    """

    document: Any
    path: Path = ()
    edits: Mapping[Path, Mark] = field(default_factory=dict)

    @property
    def file(self) -> str:
        return self.document.mark.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (path below the model that found it) and what.

    ``located`` sentences already say in which file.
    """

    path: Path
    sentence: str
    located: bool = False


def problem_error(*problems: Problem) -> PydanticCustomError:
    """The error that carries problems out of a validator, with paths more precise than pydantic's own."""
    return PydanticCustomError("neurosim", "problems", {"problems": problems})


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise all problems together; do nothing if there is none."""
    found = tuple(problems)
    if found:
        raise problem_error(*found)


class _Meta(type(BaseModel)):
    """Turns pydantic's errors into :class:`SpecError` where a user calls a model, not below."""

    def __call__(cls, *args, **kwargs):
        try:
            return super().__call__(*args, **kwargs)
        except ValidationError as error:
            raise _spec_error(cls, error) from None


def _spec_error(cls: type[BaseModel], error: ValidationError) -> SpecError:
    from neurosim.spec._words import sentences  # the words need to know the models

    return SpecError(*sentences(error, cls))


class Model(BaseModel, metaclass=_Meta):
    """Base of all spec models. Equality is by content; where a model was read from does not count."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        populate_by_name=True,
        serialize_by_alias=True,
        # a process that is handed models, not files, never needs their validators
        defer_build=True,
    )

    #: Fields that do not determine a trial and stay out of its hash.
    not_hashed: ClassVar[frozenset[str]] = frozenset({"description", *CITATION})

    #: Fields whose keys are labels only; their values are hashed without them.
    names_not_hashed: ClassVar[frozenset[str]] = frozenset()

    #: Whether it may stand in another file of its own, and then remembers that file.
    keeps_origin: ClassVar[bool] = False

    _origin: Origin | None = PrivateAttr(default=None)

    @model_serializer(mode="wrap")
    def _lean(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is unset or empty (all such keys are optional); citations come before blocks."""
        kept = [(k, v) for k, v in handler(self).items() if v is not None and v not in ({}, [], ())]
        return dict(
            sorted(kept, key=lambda item: 2 if isinstance(item[1], dict | list) else item[0] in CITATION)
        )

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None

    def __getstate__(self) -> dict[Any, Any]:
        """Without what is remembered for speed: a worker needs the model alone."""
        state = super().__getstate__()
        private = state["__pydantic_private__"] or {}
        return {
            **state,
            "__pydantic_private__": {**private, "_memory": {}} if "_memory" in private else private,
        }

    @classmethod
    def model_validate(cls, obj: Any, **kwargs: Any):
        """Validate data into a model.

        Raises
        ------
        SpecError
            Naming the path and what is allowed.
        """
        try:
            return super().model_validate(obj, **kwargs)
        except ValidationError as error:
            raise _spec_error(cls, error) from None


class Named(dict):
    """A mapping from names to models that cannot be changed."""

    def _frozen(self, *args, **kwargs):
        raise TypeError("a spec cannot be changed; build another one, or load it with set=")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _frozen

    def __reduce__(self):
        return (type(self), (dict(self),))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler):
        arguments = getattr(source, "__args__", None) or (Any, Any)
        return core_schema.no_info_after_validator_function(cls, handler.generate_schema(dict[arguments]))

    __class_getitem__ = classmethod(GenericAlias)

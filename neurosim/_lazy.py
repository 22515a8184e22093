"""Packages whose public names are loaded when they are first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType

__all__ = ["load_at_first_use"]


class _Package(ModuleType):
    """A name that a package and one of its files share stands for what the package gives, never for the file."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (isinstance(value, ModuleType) and name in self._HOME):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") or name not in self._HOME:
            known = ", ".join(self.__all__)
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}; it has {known}")
        value = getattr(importlib.import_module(f"{self.__name__}.{self._HOME[name]}"), name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self.__all__})


def load_at_first_use(package: str, home: Mapping[str, str]) -> list[str]:
    """Let a package load its names from its files when they are first asked for; returns its ``__all__``.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    home : mapping
        Name → file of the package.
    """
    module = sys.modules[package]
    module._HOME = dict(home)
    module.__class__ = _Package
    return sorted(home)

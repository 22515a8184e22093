"""The engines, for the physics that is tested in a running network."""

from engines_util import engine, silent, tiny_phase  # noqa: F401

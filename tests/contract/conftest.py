"""The engines, for the contracts that need one."""

from engines_util import engine, program, silent, standalone, tiny_phase  # noqa: F401

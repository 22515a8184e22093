"""The one thing pyproject.toml cannot say: top-level YAML folders that become sub-packages of ``neurosim``."""

from setuptools import find_packages, setup

DATA_PACKAGES = {"neurosim.circuits": "circuits", "neurosim.experiments": "experiments"}

setup(
    packages=[*find_packages(include=["neurosim", "neurosim.*"]), *DATA_PACKAGES],
    package_dir=DATA_PACKAGES,
)

"""A SLURM for the tests of this folder."""

import pytest
from one_node import OneNode, missing


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """A real SLURM of one node; without its packages the test is skipped and says so."""
    why = missing()
    if why:
        pytest.skip(why)
    with OneNode(tmp_path_factory.mktemp("slurm"), largest_array=40) as node:
        yield node

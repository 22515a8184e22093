"""No axis of a scan may be called what results call something else."""

from neurosim.recording import COLUMNS, VARIABLES
from neurosim.spec import RESERVED


def test_every_name_in_results_is_reserved():
    names = {name for group in VARIABLES.values() for name in group}
    names |= {dim for group in VARIABLES.values() for variable in group.values() for dim in variable.dims}
    names |= {column for columns in COLUMNS.values() for column in columns}
    names |= {"arm", "subject", "statistic", "outcome", "key", "message"}
    assert names <= RESERVED, sorted(names - RESERVED)

"""The functions of :mod:`neurosim.models.functions` as Brian2 functions, for both targets."""

from __future__ import annotations

import brian2
import numpy as np

from neurosim.models import CPP_FUNCTIONS, gauss, heaviside, uniform, vexp

__all__ = ["NAMESPACE"]


def _function(numpy_version, name: str, n_arguments: int) -> brian2.Function:
    function = brian2.Function(
        numpy_version,
        arg_units=[1] * n_arguments,
        return_unit=1,
        arg_types=None,
        return_type="float",
        stateless=True,
    )
    function.implementations.add_implementation("numpy", numpy_version, name=name)
    function.implementations.add_implementation("cpp", CPP_FUNCTIONS, name=name)
    return function


#: What the equations of the cells call.
NAMESPACE = {
    "gauss": _function(gauss, "gauss", 3),
    "uniform": _function(uniform, "uniform", 3),
    "vexp": _function(vexp, "vexp", 1),
    "heaviside": _function(heaviside, "heaviside", 1),
    "inf": np.inf,
}

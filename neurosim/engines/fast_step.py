"""One fast step of all cells as C++, from the same equations that Brian2 gets: derivatives, Euler's sum, spikes.

Brian2 evaluates in double precision whatever it is given, for the step is a double. Here the derivatives are evaluated in
single precision, twice as many cells at a time; what is summed keeps the type of its array. The threshold is looked at
while a block of cells is still in the nearest cache, and costs one vectorised test where no cell fires.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import brian2
import numpy as np

from neurosim import models

__all__ = ["FastStep", "fast_step"]

#: Cells in a block: as many as fit into the nearest cache.
_BLOCK = 256
_LOCAL = {"f": "float", "i": "int32_t"}

_SOURCE = r"""
namespace {
@FUNCTIONS@
}

// Derivatives in single precision; a block without a spike costs one vectorised test.
static void fast_step()
{
    using namespace brian;
    const int n = @N_CELLS@, block = @BLOCK@;
    const float volt = 1.0f;
    @SHARED@
    @POINTERS@
    int32_t* const spikes = @SPIKESPACE@;
    int count = 0;
    for (int first = 0; first < n; first += block)
    {
        const int last = first + block < n ? first + block : n;
        for (int k = first; k < last; k++)
        {
            @LOCALS@
            @STEPS@
            @SUMS@
        }
        int any = 0;
        for (int k = first; k < last; k++) any |= @THRESHOLD@;
        if (any)
            for (int k = first; k < last; k++)
                if (@THRESHOLD@) spikes[count++] = k;
    }
    spikes[n] = count;
}
"""


@dataclass(frozen=True)
class FastStep:
    """Source of the function ``fast_step``, and the generated code objects that it replaces."""

    source: str
    updater: str
    thresholder: str


def _names(*texts: str) -> list[str]:
    return sorted({name for text in texts for name in re.findall(r"[A-Za-z_]\w*", text)})


def fast_step(cells: brian2.NeuronGroup) -> FastStep:
    """The fast step of a group of cells, as C++ over the arrays of the generated program."""
    rates = {name: expression.code for name, expression in cells.equations.diff_eq_expressions}
    threshold = models.cell_threshold()
    h = "fast_dt"
    used = [name for name in _names(*rates.values(), *rates, threshold) if name in cells.variables]
    variables = {name: cells.variables[name] for name in used if hasattr(cells.variables[name], "device")}
    variables[h] = cells.variables["dt"]
    symbol = brian2.get_device().get_array_name

    def local(name: str) -> str:
        return f"const {_LOCAL[np.dtype(variables[name].dtype).kind]} {name}"

    shared = [name for name, variable in variables.items() if variable.scalar]
    own = [name for name in variables if name not in shared]
    read = re.sub(
        r"[A-Za-z_]\w*", lambda match: f"p_{match.group()}[k]" if match.group() in own else match.group(), threshold
    )
    replaced = {
        "FUNCTIONS": models.CPP_SINGLE,
        "N_CELLS": str(len(cells)),
        "BLOCK": str(_BLOCK),
        "SHARED": "\n    ".join(f"{local(name)} = {symbol(variables[name])}[0];" for name in shared),
        "POINTERS": "\n    ".join(f"auto* const __restrict p_{name} = {symbol(variables[name])};" for name in own),
        "SPIKESPACE": symbol(cells.variables["_spikespace"]),
        "LOCALS": "\n            ".join(
            f"{local(name)} = p_{name}[k];" for name in own if name in _names(*rates.values())
        ),
        "STEPS": "\n            ".join(f"const float d_{name} = {h}*({rate});" for name, rate in rates.items()),
        "SUMS": "\n            ".join(f"p_{name}[k] += d_{name};" for name in rates),
        "THRESHOLD": read,
    }
    source = _SOURCE
    for key, text in replaced.items():
        source = source.replace(f"@{key}@", text)
    return FastStep(
        source=source,
        updater=cells.state_updater.codeobj.name,
        thresholder=cells.thresholder["spike"].codeobj.name,
    )

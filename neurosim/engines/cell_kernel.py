"""All steps of the cells between two slow steps as C++, from the same text that Brian2 gets.

No spike arrives sooner than the shortest delay, so all that arrives in the coming millisecond is known when it begins. Cells
are therefore advanced block by block: the slow step of a block and all its fast steps, before the next block is
touched. What a block needs stays in the nearest cache, where a loop that steps all cells waits for memory. Derivatives are
evaluated in single precision, twice as many cells at a time as Brian2, for which the step is a double.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import brian2
import numpy as np
from brian2.core.variables import ArrayVariable

from neurosim import models
from neurosim.build.plan import Structure

__all__ = ["CellKernel", "cell_kernel"]

#: Cells in a block: with what arrives in ten steps they fill half of the nearest cache.
_BLOCK = 128
_LOCAL = {"f": "float", "i": "int32_t"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_REAL_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w.])")

_SOURCE = r"""
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace {
@FUNCTIONS@

const float volt = 1.0f, amp = 1.0f, mV = 1e-3f;
const float inf = __builtin_inff();
const int n_cells = @N_CELLS@, n_padded = (n_cells + 15) / 16 * 16, n_rows = @PER_SLOW@;

// What arrives at the cells: at each of the coming steps, and for slow kinds until the next slow step.
@ARRIVALS@
std::vector<int32_t> fired[n_rows];  // cells that fire at each of the coming steps

// Of each cell: where the run of cells with its number ends.
std::vector<int> ends_of_runs(const int32_t* number)
{
    std::vector<int> ends(n_cells, n_cells);
    for (int k = n_cells - 2; k >= 0; k--) ends[k] = number[k] == number[k + 1] ? ends[k + 1] : k + 1;
    return ends;
}

void slow_step_of(int first, int last, int64_t step)
{
    using namespace brian;
    const int64_t slow_step = step / n_rows;
    @SLOW_SHARED@
    @SLOW_POINTERS@
    @SLOW_LINKED@
    @SLOW_NOISE@
    INDEPENDENT
    for (int k = first; k < last; k++)  // slow step
    {
        @SLOW_LOCALS@
        @SLOW_STATEMENTS@
        @SLOW_STORES@
    }
}

void reset_of(int k, int64_t t_in_timesteps)
{
    using namespace brian;
    @RESET@
}

void fast_steps_of(int first, int last, int64_t step, int n_steps)
{
    using namespace brian;
    @FAST_SHARED@
    @FAST_POINTERS@
    for (int row = 0; row < n_steps; row++)
    {
        const int32_t t_in_timesteps = step + row;
        @FAST_ARRIVALS@
        int any = 0;
        INDEPENDENT
        for (int k = first; k < last; k++)  // fast step
        {
            @FAST_LOCALS@
            @FAST_STEPS@
            @FAST_SUMS@
            any |= @THRESHOLD_NOW@;
        }
        if (any)
            for (int k = first; k < last; k++)
                if (@THRESHOLD@)
                {
                    fired[row].push_back(k);
                    reset_of(k, step + row);
                }
    }
}

void slow_arrivals_of(int first, int last)
{
    using namespace brian;
    @SLOW_ARRIVALS@
}

// From `step` on, beginning with the slow step if there is one.
void step_cells(int64_t step, int n_steps, bool slow)
{
    for (int row = 0; row < n_steps; row++) fired[row].clear();
    for (int first = 0; first < n_cells; first += @BLOCK@)
    {
        const int last = first + @BLOCK@ < n_cells ? first + @BLOCK@ : n_cells;
        if (slow) slow_step_of(first, last, step);
        fast_steps_of(first, last, step, n_steps);
        slow_arrivals_of(first, last);
    }
}

// What arrives at the row-th of the coming steps goes where step_cells finds it, instead of into the cells at once.
void receive_at(int row)
{
    using namespace brian;
    @RECEIVE@
}
struct { @CELLS_OWN@ } cells_own;
void receive_no_more()
{
    using namespace brian;
    @RESTORE@
}
void begin_to_receive()
{
    using namespace brian;
    @REMEMBER@
}

}  // namespace
"""


@dataclass(frozen=True)
class CellKernel:
    """Source of the function ``step_cells`` and what belongs to it, and the generated code objects that it replaces."""

    source: str
    replaces: tuple[str, ...]


def _names(texts: Iterable[str]) -> list[str]:
    return sorted({name for text in texts for name in _NAME.findall(text)})


def _renamed(text: str, rename: Callable[[str], str]) -> str:
    return _NAME.sub(lambda match: rename(match.group()), text)


def _single(text: str) -> str:
    """Numbers of a text as C++ numbers of single precision."""
    return _REAL_NUMBER.sub(lambda m: f"{float(m.group())!r}f".replace("e+", "e"), text)


class _Cells:
    """The variables of the cells as the generated program holds them."""

    def __init__(self, cells: brian2.NeuronGroup):
        self.variables = {
            name: variable for name, variable in cells.variables.items() if isinstance(variable, ArrayVariable)
        }
        self.indices = cells.variables.indices
        self._symbol = brian2.get_device().get_array_name

    def used(self, texts: Iterable[str]) -> list[str]:
        return [name for name in _names(texts) if name in self.variables]

    def symbol(self, name: str) -> str:
        return self._symbol(self.variables[name])

    def shared(self, name: str) -> bool:
        return self.variables[name].scalar

    def type(self, name: str) -> str:
        dtype = np.dtype(self.variables[name].dtype)
        return "int64_t" if dtype == np.int64 else _LOCAL[dtype.kind]

    def linked(self, name: str) -> bool:
        return self.indices[name] not in ("_idx", "0")

    def at(self, name: str) -> str:
        """Element of cell ``k``; a linked variable is looked up in the group that it is linked to."""
        return f"p_{name}[p_{self.indices[name]}[k]]" if self.linked(name) else f"p_{name}[k]"

    def looked_up(self, names: Sequence[str]) -> str:
        """Linked variables of a block in arrays of its own, run by run: a loop with look-ups is not vectorised."""
        lines = [f"float x_{name}[{_BLOCK}];" for name in names]
        for index in dict.fromkeys(self.indices[name] for name in names):
            fills = (
                f"    std::fill(x_{name} + (k - first), x_{name} + (end - first), (float){self.at(name)});"
                for name in names
                if self.indices[name] == index
            )
            lines += [
                f"static const std::vector<int> ends_{index} = ends_of_runs(p_{index});",
                "for (int k = first, end; k < last; k = end)",
                "{",
                f"    end = std::min(ends_{index}[k], last);",
                *fills,
                "}",
            ]
        return _joined(lines, 1)

    def pointers(self, names: Iterable[str]) -> str:
        wanted = dict.fromkeys(names) | dict.fromkeys(self.indices[name] for name in names if self.linked(name))
        return "\n    ".join(
            f"auto* const p_{name} = {self.symbol(name)};" for name in wanted if not self.shared(name)
        )

    def shared_constants(self, names: Iterable[str]) -> str:
        return "\n    ".join(
            f"const {self.type(name)} {name} = {self.symbol(name)}[0];" for name in names if self.shared(name)
        )


def _joined(lines: Iterable[str], depth: int) -> str:
    return ("\n" + " " * 4 * depth).join(lines)


def _statements(text: str) -> list[tuple[str, str, str]]:
    """(name, ``=`` or ``+=``, expression) of each line."""
    matches = [re.fullmatch(r"(\w+) (\+?=) (.+)", line.strip()) for line in text.strip().splitlines()]
    return [match.groups() for match in matches]


def _noise(text: str) -> tuple[str, str]:
    """Loops that draw the Gaussian numbers of a block, and the text with their results in place of the calls."""
    lines = []

    def drawn(match: re.Match) -> str:
        i, counter, key = (part.strip() for part in match[1].split(","))
        x = f"x_{len(lines) // 6}"
        lines.extend([
            f"uint64_t {x}_bits[@BLOCK@];",
            f"float {x}[@BLOCK@];",
            "INDEPENDENT",
            f"for (int k = first; k < last; k++) {x}_bits[k - first] = random_bits(p_{i}[k], {counter}, {key});",
            "INDEPENDENT",
            f"for (int k = first; k < last; k++) {x}[k - first] = gauss_of({x}_bits[k - first]);",
        ])
        return f"{x}[k - first]"

    text = re.sub(r"gauss\(([^()]*)\)", drawn, text)
    return _joined(lines, 1), text


def _slow_step(cells: _Cells, structure: Structure, fast: Sequence[str]) -> dict[str, str]:
    """``fast``: names that the fast steps read; what neither they nor the next slow step read is not kept."""
    text = models.cell_gate_step() + models.cell_slow_step(
        structure.fast_kinds, structure.slow_kinds, structure.rising_kinds
    )
    used = cells.used([text])
    noise, text = _noise(text)
    steps = _statements(text)
    written = list(dict.fromkeys(name for name, _, _ in steps))
    own = [name for name in used if not cells.shared(name)]
    known = {name for name, sign, right in steps if sign == "+=" or name in _NAME.findall(right)}
    kept = [name for name in written if name in known or name in fast]
    lines, seen = [], set(own)
    for name, sign, right in steps:
        new = "" if name in seen else "const float "
        lines.append(f"{new}{name} {sign} {_single(right)};")
        seen.add(name)
    linked = [name for name in own if cells.linked(name)]

    def loaded(name: str) -> str:
        if name in linked:
            return f"const float {name} = x_{name}[k - first];"
        first = f" = {cells.at(name)}" if name not in written or name in known else ""
        return f"{'' if name in written else 'const '}{cells.type(name)} {name}{first};"

    return {
        "SLOW_SHARED": cells.shared_constants(used),
        "SLOW_POINTERS": cells.pointers(own),
        "SLOW_LINKED": cells.looked_up(linked),
        "SLOW_NOISE": noise,
        "SLOW_LOCALS": _joined((loaded(name) for name in own if name in _names([text])), 2),
        "SLOW_STATEMENTS": _joined(lines, 2),
        "SLOW_STORES": _joined((f"{cells.at(name)} = {name};" for name in kept if name in own), 2),
    }


def _fast_steps(cells: _Cells, rates: Mapping[str, str], fast_kinds: Iterable[str]) -> dict[str, str]:
    threshold, arriving = models.cell_threshold(), {f"g_{kind}": f"arrivals_{kind}" for kind in fast_kinds}
    used = cells.used([*rates.values(), *rates, threshold])
    used.remove("t_in_timesteps")
    own = [name for name in used if not cells.shared(name)]

    def total(name: str) -> list[str]:
        if name not in arriving:
            return [f"{cells.at(name)} += d_{name};"]
        return [f"{cells.at(name)} = ({name} + d_{name}) + p_{arriving[name]}[k];", f"p_{arriving[name]}[k] = 0.0f;"]

    def now(name: str) -> str:
        # in single precision; whether a cell fires is then asked of its voltage itself
        return f"({name} + d_{name})" if name in rates else f"(float){cells.at(name)}" if name in own else name

    return {
        "FAST_SHARED": _joined(
            [f"const float fast_dt = {cells.symbol('dt')}[0];", cells.shared_constants(used)], 1
        ),
        "FAST_POINTERS": cells.pointers(own),
        "FAST_ARRIVALS": _joined(
            (f"float* const p_{name} = {name} + row * n_padded;" for name in arriving.values()), 2
        ),
        "FAST_LOCALS": _joined(
            (f"const {cells.type(name)} {name} = {cells.at(name)};" for name in own if name in _names(rates.values())),
            3,
        ),
        "FAST_STEPS": _joined((f"const float d_{name} = fast_dt*({rate});" for name, rate in rates.items()), 3),
        "FAST_SUMS": _joined((line for name in rates for line in total(name)), 3),
        "THRESHOLD_NOW": _renamed(threshold, now),
        "THRESHOLD": _renamed(threshold, lambda name: cells.at(name) if name in own else name),
    }


def _reset(cells: _Cells) -> dict[str, str]:
    text = models.cell_reset()
    own = [name for name in cells.used([text]) if not cells.shared(name)]
    lines = [
        _renamed(f"{name} {sign} {right};", lambda word: cells.at(word) if word in own else word)
        for name, sign, right in _statements(text)
    ]
    return {"RESET": cells.pointers(own) + "\n    " + _joined(lines, 1)}


def _arrivals(cells: _Cells, structure: Structure) -> dict[str, str]:
    fast = {f"arrivals_{kind}": cells.symbol(f"g_{kind}") for kind in structure.fast_kinds}
    slow = {f"arrivals_{kind}": cells.symbol(f"s_{kind}") for kind in structure.slow_kinds}
    both = fast | slow
    receive = [f"{symbol} = {name} + row * n_padded;" for name, symbol in fast.items()]
    receive += [f"{symbol} = {name};" for name, symbol in slow.items()]
    add = [
        f"for (int k = first; k < last; k++) {{ {symbol}[k] += {name}[k]; {name}[k] = 0.0f; }}"
        for name, symbol in slow.items()
    ]
    return {
        "ARRIVALS": _joined(
            [f"float* const {name} = new float[n_rows * n_padded]();" for name in fast]
            + [f"float* const {name} = new float[n_padded]();" for name in slow],
            0,
        ),
        "SLOW_ARRIVALS": _joined(add, 1),
        "RECEIVE": _joined(receive, 1),
        "RESTORE": _joined((f"{symbol} = cells_own.{name};" for name, symbol in both.items()), 1),
        "CELLS_OWN": " ".join(f"float* {name};" for name in both),
        "REMEMBER": _joined((f"cells_own.{name} = {symbol};" for name, symbol in both.items()), 1),
    }


def cell_kernel(cells: brian2.NeuronGroup, structure: Structure, per_slow: int) -> CellKernel:
    """The steps of a group of cells, as C++ over the arrays of the generated program.

    Parameters
    ----------
    cells : NeuronGroup
        After a run of no length, which generates its code objects.
    structure : Structure
    per_slow : int
        Fast steps in a slow step.
    """
    rates = {name: expression.code for name, expression in cells.equations.diff_eq_expressions}
    own = _Cells(cells)
    replaced = {
        "FUNCTIONS": models.CPP_SINGLE,
        "N_CELLS": str(len(cells)),
        "PER_SLOW": str(per_slow),
        **_slow_step(own, structure, _names(rates.values())),
        **_fast_steps(own, rates, structure.fast_kinds),
        **_reset(own),
        **_arrivals(own, structure),
        "BLOCK": str(_BLOCK),
    }
    source = _SOURCE
    for key, text in replaced.items():
        source = source.replace(f"@{key}@", text)
    parts = [part for part in cells.contained_objects if part.name in ("cells_gates", "cells_step")]
    parts += [cells.state_updater, cells.thresholder["spike"], cells.resetter["spike"]]
    return CellKernel(source, tuple(code.name for part in parts for code in part.code_objects))

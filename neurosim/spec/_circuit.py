"""A circuit: populations, projections, pools, sites. Frozen models, as in the YAML file of DESIGN §4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from neurosim.spec._calibration import Calibration
from neurosim.spec._circuit_checks import circuit_problems
from neurosim.spec._cited import Cited, Interval
from neurosim.spec._model import Model, Named, Problem, raise_problems
from neurosim.spec._quantities import (
    Identifier,
    Integer,
    Kind,
    Sourced,
    Species,
    Transmitter,
    sourced,
    stated,
)
from neurosim.units import Quantity

__all__ = [
    "AdaptiveExponential",
    "Band",
    "BurstBand",
    "Circuit",
    "Conductance",
    "Effect",
    "Gain",
    "NearField",
    "Noise",
    "Plasticity",
    "Pool",
    "Population",
    "Projection",
    "RateBand",
    "Regulation",
    "Release",
    "ReleaseGain",
    "Site",
    "SynapseKind",
    "Transmission",
    "Transporter",
]

Carrier = Literal["DAT", "SERT", "NET"]
PoolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]\w*\.\w[\w-]*$")]

#: Kinds whose conductance decays with one time constant and is integrated at every step.
_FAST_KINDS = ("AMPA", "NMDA", "GABA_A")
_EFFECTS = ("girk", "conductance", "current", "gain", "transmission", "release", "threshold", "adaptation")


class SynapseKind(Cited):
    """Constants of a kind of synapse.

    ``mode`` is ``fast`` (one decay, integrated at every step) or ``slow`` (rise and decay, integrated every
    1 ms); by default AMPA, NMDA and GABA_A are fast and all others slow. ``receptor`` names the receptor
    whose drug-free fraction scales the events. NMDA has ``Mg``, the extracellular magnesium that blocks it.
    """

    E_rev: Annotated[Sourced, sourced("voltage")]
    tau_decay: Annotated[Sourced, sourced("time", "positive")]
    tau_rise: Annotated[Sourced, sourced("time", "positive")] | None = None
    Mg: Annotated[Sourced, sourced("ion_concentration", "not negative")] | None = None
    receptor: str | None = None
    mode: Literal["fast", "slow"]


class AdaptiveExponential(Cited):
    """Parameters of the adaptive exponential neuron (brette2005), symbols as printed.

    ``E_GABA`` and ``tau_GABA`` replace reversal and decay of GABA_A in this population. ``kappa I_b tau_b`` are the slow
    threshold that gives depolarisation block (MODEL §1): all three or none. An ``sd`` is the spread between
    cells.
    """

    C_m: Annotated[Sourced, sourced("capacitance", "positive")]
    g_L: Annotated[Sourced, sourced("conductance", "positive")]
    E_L: Annotated[Sourced, sourced("voltage")]
    V_T: Annotated[Sourced, sourced("voltage")]
    Delta_T: Annotated[Sourced, sourced("voltage", "positive")]
    V_r: Annotated[Sourced, sourced("voltage")]
    V_peak: Annotated[Sourced, sourced("voltage")]
    t_ref: Annotated[Sourced, sourced("time", "not negative")]
    tau_w: Annotated[Sourced, sourced("time", "positive")]
    a: Annotated[Sourced, sourced("conductance")]
    b: Annotated[Sourced, sourced("current", "not negative")]
    E_GABA: Annotated[Sourced, sourced("voltage")] | None = None
    tau_GABA: Annotated[Sourced, sourced("time", "positive")] | None = None
    kappa: Annotated[Sourced, sourced("number", "not negative")] | None = None
    I_b: Annotated[Sourced, sourced("current")] | None = None
    tau_b: Annotated[Sourced, sourced("time", "positive")] | None = None

    @model_validator(mode="after")
    def _consistent(self):
        raise_problems(self._problems())
        return self

    def _problems(self):
        if self.V_peak.value <= self.V_r.value:
            yield Problem(("V_peak",), f"'{self.V_peak.value}' is not above V_r = '{self.V_r.value}'")
        if self.V_peak.value <= self.V_T.value:
            yield Problem(("V_peak",), f"'{self.V_peak.value}' is not above V_T = '{self.V_T.value}'")
        block = {key: getattr(self, key) for key in ("kappa", "I_b", "tau_b")}
        missing = [key for key, value in block.items() if value is None]
        if 0 < len(missing) < len(block):
            yield Problem(
                (), f"lacks {' and '.join(missing)}; depolarisation block needs kappa, I_b and tau_b together"
            )


class Noise(Cited):
    """Ornstein-Uhlenbeck background current: its standard deviation and correlation time."""

    sigma: Annotated[Sourced, sourced("current", "not negative")]
    tau: Annotated[Sourced, sourced("time", "positive")]


class RateBand(Interval):
    """Published range of a population's firing rate."""

    readout: Literal["firing_rate", "firing_rate_active"] = "firing_rate"
    low: Annotated[Quantity, stated("rate", "not negative")]
    high: Annotated[Quantity, stated("rate", "not negative")]


class BurstBand(Interval):
    """Published range of a fraction: spikes in bursts, or active cells."""

    low: Annotated[Quantity, stated("fraction", "part")]
    high: Annotated[Quantity, stated("fraction", "part")]


class Band(Interval):
    """Published range of a pool's resting concentration."""

    low: Annotated[Quantity, stated("concentration", "not negative")]
    high: Annotated[Quantity, stated("concentration", "not negative")]


class Population(Cited):
    """Cells of one kind in one region; ``drive`` is their constant current, its ``sd`` the spread of it."""

    not_hashed: ClassVar = Model.not_hashed | {"band", "burst_band", "active_band"}

    n: Annotated[Integer, Field(ge=1, le=1_000_000)]
    region: Identifier
    transmitter: Transmitter
    model: Literal["adex"]
    parameters: AdaptiveExponential
    drive: Annotated[Sourced, sourced("current")]
    noise: Noise
    band: RateBand | None = None
    burst_band: BurstBand | None = None
    active_band: BurstBand | None = None


class Plasticity(Cited):
    """Short-term plasticity of a projection (tsodyks1998); without ``tau_fac`` it only depresses."""

    U: Annotated[Sourced, sourced("number", "positive part")]
    tau_rec: Annotated[Sourced, sourced("time", "positive")]
    tau_fac: Annotated[Sourced, sourced("time", "positive")] | None = None


class Projection(Cited):
    """Synapses from one population to another. Each target cell has ``in_degree`` different source cells."""

    pre: str
    post: str
    synapse: str
    in_degree: Annotated[Integer, Field(ge=1)]
    weight: Annotated[Sourced, sourced("conductance", "not negative")]
    delay: Annotated[Sourced, sourced("time", "positive")]
    stp: Plasticity | None = None


class Release(Cited):
    """Release of one population into one pool (MODEL §3).

    ``quantum`` is the rise of the pool's concentration per spike of every healthy cell, ``share`` the part
    of the population's terminals that lies here, ``U`` and ``tau_rec`` the depression (U = 0: linear
    release). A population of another transmitter releases what it makes of a precursor: its vesicles are empty without one.
    """

    quantum: Annotated[Sourced, sourced("concentration", "not negative")]
    share: Annotated[Sourced, sourced("fraction", "part")]
    U: Annotated[Sourced, sourced("number", "part")]
    tau_rec: Annotated[Sourced, sourced("time", "positive")]


class Transporter(Cited):
    """What one population's axons carry away from a pool by one carrier."""

    V_max: Annotated[Sourced, sourced("flux", "not negative")]
    K_m: Annotated[Sourced, sourced("concentration", "positive")]


class Pool(Cited):
    """Extracellular space of a region for one transmitter; owner ``other`` is for axons not simulated.

    ``store`` is what the vesicles of all terminals that release here hold without drugs, in nM of this extracellular
    space (content of the tissue over the volume fraction). Without it vesicles never run dry, nothing leaks out of the
    cytosol and drugs of stores and synthesis do nothing here (MODEL §3).
    """

    not_hashed: ClassVar = Model.not_hashed | {"band"}

    k_out: Annotated[Sourced, sourced("rate", "not negative")]
    store: Annotated[Sourced, sourced("concentration", "positive")] | None = None
    release: Named[str, Release] = Field(default_factory=Named)
    transporters: Named[Carrier, Named[str, Transporter]] = Field(default_factory=Named)
    band: Band | None = None


class NearField(Cited):
    """Transmitter close to release sites: h ν on top of the pool.

    ν is the rate of released spikes per healthy cell of ``population``, averaged over ``tau``.
    """

    h: Annotated[Sourced, sourced("near_field", "not negative")]
    population: str
    tau: Annotated[Sourced, sourced("time", "positive")]


class Regulation(Cited):
    """How the number R of a site's receptors follows its activation over days (MODEL §6).

    τ d(ln R)/dt = -s (E - E_ref) - λ ln R (``lam``), with E_ref the activation of the same subject without drugs, and R kept
    between ``lowest`` and ``highest``. The reserve of the site is tau · R.
    """

    s: Annotated[Sourced, sourced("number", "not negative")]
    tau: Annotated[Sourced, sourced("time", "positive")]
    lam: Annotated[Sourced, sourced("number", "not negative")]
    lowest: Annotated[Sourced, sourced("number", "positive part")]
    highest: Annotated[Sourced, sourced("number", "positive")]

    @model_validator(mode="after")
    def _around_one(self):
        if self.highest.value < 1:
            raise_problems([Problem(("highest",), f"'{self.highest.value:g}' is below 1, the number without drugs")])
        return self


class Conductance(Model):
    """A conductance with its own reversal, at full activation."""

    g: Annotated[Sourced, sourced("conductance", "not negative")]
    E_rev: Annotated[Sourced, sourced("voltage")]


class Gain(Model):
    """Gain of one synapse kind on the cell: 1 + factor · activation."""

    synapse: str
    factor: Annotated[Sourced, sourced("number")]


class Transmission(Model):
    """Release probability of one projection of the cell: 1 + factor · activation."""

    projection: str
    factor: Annotated[Sourced, sourced("number")]


class ReleaseGain(Model):
    """Transmitter release of the cell into one pool (``REGION.TRANSMITTER``): 1 + factor · activation."""

    pool: PoolName
    factor: Annotated[Sourced, sourced("number")]


class Effect(Model):
    """What an active site does: exactly one of the keys, e.g. ``{girk: 3 nS}``.

    The numbers hold at full activation. ``kind`` is the key; ``g E_rev current threshold factor synapse
    projection pool`` read the numbers and names of the kinds that have them and are None for the others.
    """

    girk: Annotated[Sourced, sourced("conductance", "not negative")] | None = None
    conductance: Conductance | None = None
    current: Annotated[Sourced, sourced("current")] | None = None
    gain: Gain | None = None
    transmission: Transmission | None = None
    release: ReleaseGain | None = None
    threshold: Annotated[Sourced, sourced("voltage")] | None = None
    adaptation: Annotated[Sourced, sourced("number")] | None = None

    @model_validator(mode="after")
    def _one_key(self):
        given = [key for key in _EFFECTS if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {', '.join(given)}" if given else "is empty"
            raise_problems([Problem((), f"{what}; an effect is exactly one of: {', '.join(_EFFECTS)}")])
        return self

    @property
    def kind(self) -> str:
        return next(key for key in _EFFECTS if getattr(self, key) is not None)

    def _of(self, attribute: str, *kinds: str):
        body = getattr(self, self.kind)
        return getattr(body, attribute) if self.kind in kinds else None

    @property
    def g(self) -> Sourced | None:
        return self.girk if self.kind == "girk" else self._of("g", "conductance")

    @property
    def E_rev(self) -> Sourced | None:
        return self._of("E_rev", "conductance")

    @property
    def factor(self) -> Sourced | None:
        return (
            self.adaptation
            if self.kind == "adaptation"
            else self._of("factor", "gain", "transmission", "release")
        )

    @property
    def synapse(self) -> str | None:
        return self._of("synapse", "gain")

    @property
    def projection(self) -> str | None:
        return self._of("projection", "transmission")

    @property
    def pool(self) -> str | None:
        return self._of("pool", "release")


class Site(Cited):
    """A receptor at a place: on which cells, which region's pool it hears, what it does.

    ``tau`` is the receptor reserve of the operational model. ``EC_50`` and ``tau_on`` (time constant of
    activation) replace those of the receptor table. ``share`` is the part of the cells bearing the site; without it all do.
    ``along_with`` names a site on the same cells: those of the smaller share are then among those of the larger.
    ``regulation`` lets the number of receptors follow the activation.
    """

    receptor: str
    on: str
    compartment: Literal["soma", "dendrite", "terminal"]
    hears: str
    tau: Annotated[Sourced, sourced("number", "positive")]
    EC_50: Annotated[Sourced, sourced("concentration", "positive")] | None = None
    tau_on: Annotated[Sourced, sourced("time", "positive")] | None = None
    share: Annotated[Sourced, sourced("fraction", "part")] | None = None
    along_with: str | None = None
    near_field: NearField | None = None
    regulation: Regulation | None = None
    effects: tuple[Effect, ...] = ()

    @property
    def borne(self) -> float:
        """Part of the population's cells that bear the site."""
        return 1.0 if self.share is None else float(self.share.value)


class Circuit(Cited):
    """A whole circuit; every name in it resolves.

    ``calibration`` says which values may be fitted to which rows; it changes no trial.

    Raises
    ------
    SpecError
        With one sentence per mistake.
    """

    not_hashed: ClassVar = Model.not_hashed | {"name", "schema_", "calibration"}

    schema_: Literal["neurosim-circuit/1"] = Field(default="neurosim-circuit/1", alias="schema")
    name: Annotated[str, StringConstraints(pattern=r"^\w[\w+-]*$", max_length=80)]
    description: str | None = None
    species: Species
    synapses: Named[Kind, SynapseKind] = Field(default_factory=Named)
    populations: Named[Identifier, Population]
    projections: Named[Identifier, Projection] = Field(default_factory=Named)
    pools: Named[Identifier, Named[Transmitter, Pool]] = Field(default_factory=Named)
    sites: Named[Identifier, Site] = Field(default_factory=Named)
    calibration: Calibration | None = None

    #: Circuits derived from this one, see resolve(); no part of equality or hash.
    _memory: dict = PrivateAttr(default_factory=dict)

    def inhibition(self, population: str) -> tuple[float, float]:
        """Reversal (V) and decay (s) of GABA_A in a population, its own before those of the kind.

        A circuit without GABA_A has 0 V and 1 s, which nothing reads.
        """
        own, kind = self.populations[population].parameters, self.synapses.get("GABA_A")
        E_rev, tau = (0.0, 1.0) if kind is None else (kind.E_rev.value, kind.tau_decay.value)
        return (
            float(E_rev if own.E_GABA is None else own.E_GABA.value),
            float(tau if own.tau_GABA is None else own.tau_GABA.value),
        )

    def native_releasers(self, region: str, transmitter: str) -> tuple[str, ...]:
        """Populations that release into a pool what they make by themselves; others release what they were given."""
        return tuple(
            name
            for name in self.pools[region][transmitter].release
            if self.populations[name].transmitter == transmitter
        )

    @model_validator(mode="before")
    @classmethod
    def _modes(cls, data):
        """Give each synapse kind the mode that its name implies."""
        kinds = data.get("synapses") if isinstance(data, Mapping) else None
        if not isinstance(kinds, Mapping):
            return data
        filled = {
            name: {"mode": "fast" if name in _FAST_KINDS else "slow", **kind}
            if isinstance(kind, dict)
            else kind
            for name, kind in kinds.items()
        }
        return {**data, "synapses": filled}

    @model_validator(mode="after")
    def _names_resolve(self):
        raise_problems(circuit_problems(self))
        return self

"""Receptors and carriers where nothing spikes: transmitters stand at given levels, drugs come and go (``engine: none``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurosim import pharmacology, reference
from neurosim.build.exposure import knowledge_of
from neurosim.build.checks import near_field_at_rest, resting_level
from neurosim.build.layout import Layout
from neurosim.build.plan import CARRIERS
from neurosim.errors import BuildError
from neurosim.spec import Resolved

__all__ = ["Still", "levels_at_rest"]


def levels_at_rest(resolved: Resolved) -> dict[tuple[str, str], float]:
    """(region, transmitter) → nM: what the experiment states, else the middle of the pool's band.

    Raises
    ------
    BuildError
        A site hears a pool that has neither.
    """
    circuit, found = resolved.circuit, {}
    for name, site in circuit.sites.items():
        pool = site.hears, reference.receptor(site.receptor).ligand
        stated = resolved.levels.get(".".join(pool))
        level = resting_level(circuit, *pool) if stated is None else float(stated)
        if level is None:
            raise BuildError(
                f"site {name} hears the pool {'.'.join(pool)}, which has no band: with engine: none give its "
                f'level, e.g. levels: {{"{".".join(pool)}": 10 nM}}'
            )
        found[pool] = level
    return found


@dataclass(frozen=True)
class Still:
    """All sites and carriers of a circuit at standing transmitter levels, for one set of ligands.

    Parameters
    ----------
    resolved : Resolved
        Its circuit, species and levels count; its drugs do not.
    ligands : sequence of str
        Drugs by the names of the tables.
    subject : int
        Whose affinities count, where the experiment draws them.
    """

    resolved: Resolved
    ligands: Sequence[str]
    subject: int = 0

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.resolved.circuit, self.resolved.protocol)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        return tuple(self.layout.sites)

    @cached_property
    def transmitters(self) -> tuple[str, ...]:
        """The transmitter that each site hears."""
        sites = self.resolved.circuit.sites
        return tuple(reference.receptor(sites[name].receptor).ligand for name in self.sites)

    @cached_property
    def heard(self) -> np.ndarray:
        """Transmitter at each site in nM, near field at resting rates included; shape (site,)."""
        levels, circuit = levels_at_rest(self.resolved), self.resolved.circuit
        pools = zip((circuit.sites[name].hears for name in self.sites), self.transmitters, strict=True)
        near = [near_field_at_rest(circuit, name) for name in self.sites]
        return np.array([levels[pool] for pool in pools], float) + np.array(near, float)

    @cached_property
    def _knowledge(self) -> pharmacology.Knowledge:
        return knowledge_of(self.resolved, self.subject, self.ligands)

    @cached_property
    def _constants(self) -> list[pharmacology.SiteConstants]:
        return [self.layout.site_constants[name] for name in self.sites]

    @cached_property
    def _per_nM(self) -> tuple[np.ndarray, np.ndarray]:
        """x and τx of 1 nM of each ligand at each site, shape (site, ligand)."""
        x = np.zeros((len(self.sites), len(self.ligands)))
        stimulus = np.zeros_like(x)
        for i, (name, constants) in enumerate(zip(self.sites, self._constants, strict=True)):
            receptor = self.resolved.circuit.sites[name].receptor
            for j, ligand in enumerate(self.ligands):
                terms = pharmacology.drug_terms(receptor, {ligand: 1.0}, constants, knowledge=self._knowledge)
                x[i, j], stimulus[i, j] = terms.X, terms.S
        return x, stimulus

    @cached_property
    def _blocked_per_nM(self) -> np.ndarray:
        """C/Ki of 1 nM of each ligand at each carrier, shape (carrier, ligand)."""
        table = [
            [pharmacology.carrier_terms(c, {ligand: 1.0}, self._knowledge).B for ligand in self.ligands]
            for c in CARRIERS
        ]
        return np.array(table, float).reshape(len(CARRIERS), len(self.ligands))

    def receptors(self, concentrations: np.ndarray) -> Mapping[str, np.ndarray]:
        """Group ``receptors`` of the results for any number of situations at once.

        Parameters
        ----------
        concentrations : array, shape (..., ligand), nM
            Free, in the brain.

        Returns
        -------
        dict of arrays
            ``heard`` (nM), ``activation``, ``transmitter_occupancy`` of shape (..., site), ``occupancy`` (..., site,
            ligand), ``carrier_occupancy`` (..., carrier, ligand): the formulas of :mod:`neurosim.pharmacology.binding`.
        """
        C = np.asarray(concentrations, float)[..., None, :]
        per_nM, stimulus_per_nM = self._per_nM
        x_drug, K = C * per_nM, np.array([c.K for c in self._constants])
        tau, tau_0 = (np.array([getattr(c, key) for c in self._constants]) for key in ("tau", "tau_0"))
        X, S = x_drug.sum(axis=-1), (C * stimulus_per_nM).sum(axis=-1)
        x = self.heard / K
        total = 1.0 + x + X
        blocked = C * self._blocked_per_nM
        return {
            "heard": np.broadcast_to(self.heard, X.shape),
            "activation": pharmacology.activation(self.heard, K, tau, X, S, tau_0),
            "receptor_number": np.ones(X.shape),
            "transmitter_occupancy": x / total,
            "occupancy": x_drug / total[..., None],
            "carrier_occupancy": blocked / (1.0 + blocked.sum(axis=-1, keepdims=True)),
        }

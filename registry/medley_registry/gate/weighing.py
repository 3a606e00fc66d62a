"""Carrying out a policy's comparisons: the costly part of a decision, and no part of a lock."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from medley_registry import lookup
from medley_registry.adapters import Version
from medley_registry.canonical import Json
from medley_registry.gate import bootstrap
from medley_registry.gate.bootstrap import Compared
from medley_registry.gate.case import Case, Pairing
from medley_registry.index import IndexReader
from medley_registry.item_scores import Item, items_digest
from medley_registry.policies import Comparison

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True, slots=True)
class Judged:
    """A test with its p-value adjusted for all that were made."""

    tested: Compared
    p_adjusted: float
    is_met: bool

    def to_json(self) -> dict[str, Json]:
        """As it stands in a decision's report."""
        tested = self.tested
        return {
            "site": tested.site,
            "candidate": tested.candidate,
            "baseline": tested.baseline,
            "difference": tested.difference,
            "lower_bound": tested.lower_bound if isfinite(tested.lower_bound) else None,
            "p_value": tested.p_value,
            "p_adjusted": self.p_adjusted,
            "clusters": tested.clusters,
            "is_met": self.is_met,
        }

    def __str__(self) -> str:
        tested = self.tested
        where = f"{tested.site} " if tested.site else ""
        return (
            f"{where}{tested.candidate:.4g} against {tested.baseline:.4g}"
            f" (p = {self.p_adjusted:.3g} over {tested.clusters} clusters)"
        )


@dataclass(frozen=True, slots=True)
class Weighed:
    """A comparison's outcome; ``because`` says why it could not be made, or need not be."""

    pairing: Pairing
    judged: tuple[Judged, ...]
    because: str
    is_met: bool
    digests: tuple[str, ...]
    num_items: int

    @property
    def lack(self) -> str:
        """In words what is not met."""
        failed = "; ".join(str(one) for one in self.judged if not one.is_met)
        return f"{self.pairing.comparison}: {self.because or failed}"

    def to_json(self) -> dict[str, Json]:
        """As it stands in a decision's report."""
        sides = (self.pairing.candidate, self.pairing.baseline)
        return {
            "demand": str(self.pairing.comparison),
            "margin": self.pairing.comparison.margin,
            "better": self.pairing.comparison.better.value,
            "evidence": [str(side.digest) if side else None for side in sides],
            "items": self.num_items,
            "items_digests": [*self.digests],
            "because": self.because,
            "tests": [one.to_json() for one in self.judged],
            "is_met": self.is_met,
        }


@dataclass(frozen=True, slots=True)
class Weighing:
    """A case with the outcome of each of its comparisons."""

    case: Case
    weighed: tuple[Weighed, ...]


def weigh(case: Case, reader: IndexReader) -> Weighing:
    """Make every comparison of the case's policy; the same case gives the same numbers.

    All must hold together: p-values are adjusted over every test made (Holm 1979). A comparison
    that cannot be made is not met, except where the alias points nowhere yet.
    """
    made = [_make(case, pairing, reader) for pairing in case.pairings]
    p_values = [tested.p_value for outcome in made for tested in outcome.tested]
    adjusted = iter(bootstrap.adjusted(p_values))
    level = case.policy.significance
    weighed = []
    for pairing, outcome in zip(case.pairings, made, strict=True):
        judged = tuple(
            Judged(tested, p_value, p_value <= level)
            for tested, p_value in ((tested, next(adjusted)) for tested in outcome.tested)
        )
        is_met = all(one.is_met for one in judged) if judged else case.baseline is None
        weighed.append(
            Weighed(pairing, judged, outcome.because, is_met, outcome.digests, outcome.num_items)
        )
    return Weighing(case, tuple(weighed))


@dataclass(frozen=True, slots=True)
class _Made:
    tested: tuple[Compared, ...] = ()
    because: str = ""
    digests: tuple[str, ...] = ()
    num_items: int = 0


def _make(case: Case, pairing: Pairing, reader: IndexReader) -> _Made:
    if case.baseline is None:
        return _Made(because=f"{case.alias} points nowhere yet: nothing to compare with")
    if pairing.candidate is None or pairing.baseline is None:
        lacking = case.candidate if pairing.candidate is None else case.baseline
        return _Made(because=_no_evidence(lacking, pairing))
    sides = [lookup.find_items(reader, one) for one in (pairing.candidate, pairing.baseline)]
    candidate, baseline = ({item.name: item for item in side} for side in sides)
    if not candidate or not baseline:
        lacking = case.baseline if candidate else case.candidate
        return _Made(because=f"the evidence of {lacking.reference} has no items to compare by")
    if odd := _odd_items(candidate, baseline):
        return _Made(because=odd)
    pairs = [(candidate[name], baseline[name]) for name in sorted(candidate)]
    digests = tuple(str(items_digest(side)) for side in sides)
    try:
        tested = bootstrap.compare(
            pairing.comparison,
            pairs,
            significance=case.policy.significance,
            random=_random(pairing.comparison, digests),
        )
    except ValueError as error:
        return _Made(because=str(error), digests=digests, num_items=len(pairs))
    return _Made(tuple(tested), digests=digests, num_items=len(pairs))


def _no_evidence(version: Version, pairing: Pairing) -> str:
    suite = pairing.comparison.suite
    if pairing.candidate is None:
        return f"{version.reference} has no evidence of {suite}"
    content = str(pairing.candidate.suite_digest)[:19]
    return f"{version.reference} has no evidence of {suite} with content {content}"


def _odd_items(candidate: dict[str, Item], baseline: dict[str, Item]) -> str:
    if odd := candidate.keys() ^ baseline.keys():
        return f"{len(odd)} items were answered by one version only, {min(odd)!r} the first"
    for name, item in candidate.items():
        if (item.site, item.cluster) != (baseline[name].site, baseline[name].cluster):
            return f"item {name!r} is said to be of another site or cluster by either version"
    return ""


def _random(comparison: Comparison, digests: Sequence[str]) -> "Generator":
    """Seeded by what is compared, so that a decision can be made again to the last digit."""
    import numpy as np

    text = " ".join([str(comparison), *digests])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()))

"""Lineage: which versions, round and contributions a version came from."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from medley_registry.canonical import Json
from medley_registry.digest import Digest


class Relation(StrEnum):
    """How a version came from its parent."""

    AGGREGATED_FROM = "aggregated_from"
    TRAINED_FROM = "trained_from"
    QUANTIZED_FROM = "quantized_from"
    MERGED_FROM = "merged_from"


@dataclass(frozen=True, slots=True)
class Parent:
    """A version that another came from: its reference (``name:7``) and what it held."""

    reference: str
    digest: Digest
    relation: Relation


@dataclass(frozen=True, slots=True)
class Contribution:
    """One participant's accepted part in a round.

    ``digest`` is the content of what was sent, ``weight`` its share of the aggregate, ``key_id``
    the key that signed it, empty where none did.
    """

    participant: str
    digest: Digest
    weight: float
    key_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a version came from; empty for one that stands alone.

    ``run`` and ``recipe`` name the training run and the digest of its recipe, ``strategy`` the rule
    of aggregation. ``origin`` says where an imported version came from; its parents need not exist
    here.
    """

    parents: tuple[Parent, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    run: str = ""
    recipe: Digest | None = None
    strategy: str = ""
    origin: str = ""

    def to_json(self) -> dict[str, Json]:
        """What ``from_json`` reads back; digests are text with their algorithm."""
        return {
            "parents": [
                {"reference": p.reference, "digest": str(p.digest), "relation": p.relation.value}
                for p in self.parents
            ],
            "contributions": [
                {
                    "participant": c.participant,
                    "digest": str(c.digest),
                    "weight": c.weight,
                    "key_id": c.key_id,
                }
                for c in self.contributions
            ],
            "run": self.run,
            "recipe": str(self.recipe) if self.recipe else None,
            "strategy": self.strategy,
            "origin": self.origin,
        }

    @classmethod
    def from_json(cls, value: Any) -> "Lineage":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError, RegistryError: it is something else.
        """
        return cls(
            parents=tuple(
                Parent(p["reference"], Digest.parse(p["digest"]), Relation(p["relation"]))
                for p in value["parents"]
            ),
            contributions=tuple(
                Contribution(
                    c["participant"], Digest.parse(c["digest"]), float(c["weight"]), c["key_id"]
                )
                for c in value["contributions"]
            ),
            run=value["run"],
            recipe=Digest.parse(value["recipe"]) if value["recipe"] else None,
            strategy=value["strategy"],
            origin=value["origin"],
        )

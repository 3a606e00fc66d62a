"""How an alias shares its requests out: a canary, a shadow, and what either must keep to."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from medley_registry.aliases import Alias
from medley_registry.canonical import Json
from medley_registry.references import Reference


class Stick(StrEnum):
    """What stays on one side: a user (else his key), a key, or nothing but the request itself."""

    USER = "user"
    KEY = "key"
    REQUEST = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a version must keep to while it is tried; what is None is not judged.

    Attributes:
        max_error_rate: Requests that the server failed, as a share of all.
        max_latency_ratio: The 95th percentile of the canary's times over that of the stable side.
        min_agreement: The mean agreement of a shadow's answers with those that callers got.
        min_requests: How many there must be on each side before anything is judged.
        window_s: How far back requests count.
        watch_s: How long after a promotion the alias's new target is judged by
            ``max_error_rate``, and rolled back when it breaks it; 0 is never.
    """

    max_error_rate: float | None = None
    max_latency_ratio: float | None = None
    min_agreement: float | None = None
    min_requests: int = 50
    window_s: int = 300
    watch_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What becomes of requests that name an alias; an empty one leaves all to its target.

    Attributes:
        canary: The version, by number, that answers some of them.
        weight: How many percent it answers; at 0 it is loaded and waits.
        stick: Whose requests stay together.
        shadow: The version that is asked the same behind the caller's back.
        share: How many percent it is asked.
        bounds: When either is taken off again.
    """

    canary: int | None = None
    weight: float = 0
    stick: Stick = Stick.USER
    shadow: int | None = None
    share: float = 0
    bounds: Bounds = Bounds()

    def without(self, number: int) -> "Traffic":
        """The same with nothing sent to one version any more."""
        return replace(
            self,
            weight=0 if self.canary == number else self.weight,
            share=0 if self.shadow == number else self.share,
        )

    def to_json(self) -> dict[str, Json]:
        """What ``from_json`` reads back."""
        bounds = self.bounds
        return {
            "canary": self.canary,
            "weight": self.weight,
            "stick": self.stick.value,
            "shadow": self.shadow,
            "share": self.share,
            "bounds": {
                "max_error_rate": bounds.max_error_rate,
                "max_latency_ratio": bounds.max_latency_ratio,
                "min_agreement": bounds.min_agreement,
                "min_requests": bounds.min_requests,
                "window_s": bounds.window_s,
                "watch_s": bounds.watch_s,
            },
        }

    @classmethod
    def from_json(cls, value: Any) -> "Traffic":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            canary=value["canary"],
            weight=value["weight"],
            stick=Stick(value["stick"]),
            shadow=value["shadow"],
            share=value["share"],
            bounds=Bounds(**value["bounds"]),
        )


@dataclass(frozen=True, slots=True)
class TrafficRule:
    """A rule set for an alias; the one with the highest ``revision`` is in force.

    Canary and shadow are compared with what the alias answers, so they end when it moves: they
    hold while it has the ``generation`` it had then. Bounds and ``stick`` stay.

    Attributes:
        halted: Why a server took a version off, in one line; empty where a person set the rule.
    """

    adapter: str
    alias: str
    revision: int
    generation: int
    traffic: Traffic
    halted: str
    actor: str
    at: datetime

    @property
    def reference(self) -> str:
        return str(Reference(self.adapter, alias=self.alias))

    def where(self, alias: Alias) -> "TrafficRule":
        """What is left of it where the alias stands now."""
        if alias.generation == self.generation:
            return self
        left = replace(self.traffic, canary=None, weight=0, shadow=None, share=0)
        return replace(self, traffic=left, halted="")


@dataclass(frozen=True, slots=True)
class Steered:
    """An alias with its rule, as a server follows it.

    Attributes:
        promoted_at: When it was promoted to its target, away from another; None where it came
            there by its first promotion or by going back.
    """

    alias: Alias
    rule: TrafficRule
    promoted_at: datetime | None


def position(reference: str, number: int, sticky: str) -> float:
    """Where in [0, 1) a sticky key stands for one version tried behind an alias.

    It depends on nothing else: every server finds the same, and a higher weight moves keys only
    towards the version. Another version draws anew, so nobody is always among the first.
    """
    said = f"{reference}\n{number}\n{sticky}".encode("utf-8", "surrogatepass")
    drawn = int.from_bytes(hashlib.sha256(said).digest()[:8])
    return (drawn >> 11) / 2**53  # as many bits as a double holds, so that none rounds up to 1

"""What becomes of requests that name an alias."""

from medley_registry import Bounds, Stick, Traffic, TrafficRule
from pydantic import Field

from medley_server.schemas.fields import At, Body, Finite, Generation, Record, SentNumber

_UNJUDGED = Bounds()


class BoundsBody(Body):
    """When a version that is tried is taken off again; what is null is not judged."""

    max_error_rate: Finite | None = None
    max_latency_ratio: Finite | None = None
    min_agreement: Finite | None = None
    min_requests: SentNumber = _UNJUDGED.min_requests
    window_s: SentNumber = _UNJUDGED.window_s
    watch_s: Generation = _UNJUDGED.watch_s


class TrafficBody(Body):
    """The whole rule; ``expected_revision`` is what the caller believes to be in force."""

    canary: SentNumber | None = None
    weight: Finite = 0
    stick: Stick = Stick.USER
    shadow: SentNumber | None = None
    share: Finite = 0
    bounds: BoundsBody = Field(default_factory=BoundsBody)
    expected_revision: Generation | None = None

    def traffic(self) -> Traffic:
        """The registry's own."""
        return Traffic.from_json(self.model_dump(mode="json", exclude={"expected_revision"}))


class BoundsRecord(Record):
    max_error_rate: float | None
    max_latency_ratio: float | None
    min_agreement: float | None
    min_requests: int
    window_s: int
    watch_s: int


class TrafficRecord(Record):
    """The rule in force; ``revision`` is 0 where none was ever set.

    ``halted`` says why a server took canary or shadow off; it is null where a person set the rule.
    """

    adapter: str
    alias: str
    revision: int
    canary: int | None
    weight: float
    stick: Stick
    shadow: int | None
    share: float
    bounds: BoundsRecord
    halted: str | None
    actor: str | None
    at: At | None


def traffic_record(name: str, alias: str, rule: TrafficRule | None) -> dict[str, object]:
    """What a `TrafficRecord` is made of."""
    traffic = rule.traffic if rule else Traffic()
    return {
        "adapter": name,
        "alias": alias,
        "revision": rule.revision if rule else 0,
        **traffic.to_json(),
        "halted": rule.halted or None if rule else None,
        "actor": rule.actor if rule else None,
        "at": rule.at if rule else None,
    }

"""The load that every variant gets: how many requests of which lengths, and when they come."""

from dataclasses import dataclass
from enum import StrEnum

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest

from medley_training.errors import BadLoad


class LoadKind(StrEnum):
    """Closed: so many requests are always in flight. Open: they come when they come."""

    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests of fixed lengths; the same seed gives the same prompts at the same times.

    Attributes:
        kind: closed loop or open loop.
        concurrency: requests in flight; in an open loop the most that the engine holds at once.
        rate_per_s: requests that come in a second on average, in an open loop.
        input_tokens: of each prompt.
        output_tokens: of each answer.
        requests: in one turn.
        seed: of prompts and arrivals.
        shares_prefix: prompts begin with the same half, for measuring with a prefix cache.
    """

    kind: LoadKind = LoadKind.CLOSED
    concurrency: int = 1
    rate_per_s: float | None = None
    input_tokens: int = 128
    output_tokens: int = 64
    requests: int = 8
    seed: int = 0
    shares_prefix: bool = False

    def __post_init__(self) -> None:
        if (self.kind is LoadKind.OPEN) != (self.rate_per_s is not None):
            raise BadLoad("an open load has a rate (--rate), a closed one has none")
        counts = (self.concurrency, self.input_tokens, self.output_tokens, self.requests)
        if min(counts) < 1 or (self.rate_per_s is not None and self.rate_per_s <= 0):
            raise BadLoad("a load's counts and its rate are above zero")

    @property
    def total_tokens(self) -> int:
        """Of one request, prompt and answer."""
        return self.input_tokens + self.output_tokens

    @property
    def name(self) -> str:
        """For people, for example ``8 at once`` or ``2.5/s``."""
        if self.rate_per_s is not None:
            return f"{self.rate_per_s:g}/s"
        return f"{self.concurrency} at once"

    def to_json(self) -> dict[str, Json]:
        """As rows carry it, and as its digest covers it."""
        told: dict[str, Json] = {"kind": self.kind.value, "concurrency": self.concurrency}
        if self.rate_per_s is not None:
            told["rate_per_s"] = self.rate_per_s
        return told | {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "requests": self.requests,
            "seed": self.seed,
            "shares_prefix": self.shares_prefix,
        }

    @property
    def digest(self) -> Digest:
        """What evidence calls the suite's content."""
        return Digest.of(canonical_json(self.to_json()))

    def due_s(self, repeat: int) -> list[float]:
        """When each request of a turn is due, in seconds from its start: a Poisson process.

        In a closed loop all are due at once, and wait for one of those in flight to end.
        """
        if self.rate_per_s is None:
            return [0.0] * self.requests
        import numpy as np

        pick = np.random.default_rng((self.seed, repeat + 1, 1))
        gaps = pick.exponential(1 / self.rate_per_s, self.requests)
        return [float(at) for at in np.cumsum(gaps)]

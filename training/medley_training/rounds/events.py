"""What happens in a run: one frozen value per event, kept by `medley_training.rounds.event_log`.

A run's plots, its reports and the display on the terminal are made from these events and from
nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias

from medley_registry.timestamps import now

Metrics: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happened:
    at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(_Happened):
    """A run begins, or goes on after it was stopped.

    Attributes:
        run: The run's identifier.
        recipe: The recipe's name or digest.
        sites: Every site that may take part.
        base: The base model's registered name.
        trainable_parameters: Of one adapter as sites train it.
        base_bytes: The base's size on disk in its own dtype, against which uploads are compared.
        resumed: Whether earlier events of this file belong to the same run.
    """

    kind: ClassVar[str] = "run_started"
    run: str
    recipe: str
    strategy: str
    rounds: int
    sites: tuple[str, ...]
    base: str
    trainable_parameters: int
    base_parameters: int
    base_bytes: int
    resumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundStarted(_Happened):
    """The sites of a round were chosen and are about to be asked."""

    kind: ClassVar[str] = "round_started"
    round: int
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStarted(_Happened):
    """A site begins its training; `num_examples` only where it runs on this machine."""

    kind: ClassVar[str] = "site_started"
    round: int
    site: str
    num_examples: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(_Happened):
    """One optimizer step at a site; `num_tokens` and `elapsed_s` count from its training's start.

    `loss` is the step's mean loss per completion token, in nats; NaN where it stays at the site.
    """

    kind: ClassVar[str] = "step"
    round: int
    site: str
    step: int
    total_steps: int
    loss: float
    num_tokens: int
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributed(_Happened):
    """A site's answer arrived, was verified and counts.

    It says what went over the wire: a site that is asked again after a stop is told of again.

    Attributes:
        bytes_up: What the site sent; `bytes_down` what it was sent.
        loss_first: Of the first optimizer step, `loss_last` of the last; None where it is private.
        duration_s: The site's training, by its own clock.
        sample_bucket: How many examples it has, coarsened.
        epsilon: Spent so far at this site; None without differential privacy.
    """

    kind: ClassVar[str] = "contributed"
    round: int
    site: str
    bytes_up: int
    bytes_down: int
    loss_first: float | None = None
    loss_last: float | None = None
    num_tokens: int
    duration_s: float
    sample_bucket: int
    epsilon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(_Happened):
    """A site's answer does not count; `reason` is the word of `ContributionRefused`."""

    kind: ClassVar[str] = "refused"
    round: int
    site: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_Happened):
    """A site gave no answer in time, or its work failed."""

    kind: ClassVar[str] = "failed"
    round: int
    site: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(_Happened):
    """No more answers are taken; `sites` are those whose contributions count."""

    kind: ClassVar[str] = "closed"
    round: int
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregated(_Happened):
    """The contributions became one adapter.

    Attributes:
        rank: Of the adapter that is served.
        weights: What each site's update counted in the end.
        bytes: The size of the adapter that is served.
        notes: What the strategy has to say about this round.
    """

    kind: ClassVar[str] = "aggregated"
    round: int
    duration_s: float
    rank: int
    weights: Metrics
    bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated(_Happened):
    """The adapter after a round, or the start as round 0, was scored on held-out data.

    Attributes:
        scores: Site → metric → value.
        pooled: The same over all sites' held-out examples together.
        fairness: Metric → ``mean``, ``minimum`` and ``harmonic_mean`` over the sites.
    """

    kind: ClassVar[str] = "evaluated"
    round: int
    scores: Mapping[str, Metrics]
    pooled: Metrics
    fairness: Mapping[str, Metrics]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(_Happened):
    """A round's adapter is in the registry, for example as ``discharge:7``."""

    kind: ClassVar[str] = "published"
    round: int
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(_Happened):
    """A round's version was measured by one suite, served on one form of its base."""

    kind: ClassVar[str] = "measured"
    round: int
    version: str
    variant: str
    suite: str
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(_Happened):
    """The gate has decided on a round's version: the alias points at it, or it lacks something."""

    kind: ClassVar[str] = "judged"
    round: int
    version: str
    alias: str
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(_Happened):
    """The last round is done; `version` is None where nothing is published."""

    kind: ClassVar[str] = "run_finished"
    digest: str
    version: str | None = None
    duration_s: float


Event: TypeAlias = (
    RunStarted
    | RoundStarted
    | SiteStarted
    | Step
    | Contributed
    | Refused
    | Failed
    | Closed
    | Aggregated
    | Evaluated
    | Published
    | Measured
    | Judged
    | RunFinished
)
Observer: TypeAlias = Callable[[Event], None]


def together(*observers: Observer) -> Observer:
    """One observer that tells each of `observers`, in their order."""

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe

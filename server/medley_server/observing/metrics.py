"""The numbers of this server in Prometheus's words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medley_server.observing.ledger import MOST_VERSIONS, Ledger

if TYPE_CHECKING:
    from prometheus_client import Metric

_VERSION = ("adapter", "version")
_TIERS = ("engine", "fetched")

Residency = Callable[[], Mapping[str, Mapping[str, str]]]
"""By tier, the versions that are there: reference to adapter."""


class Metrics:
    """What `/metrics` says besides vLLM's own."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        residency: Residency,
        health: Callable[[], Mapping[str, Any]],
        most: int = MOST_VERSIONS,
    ) -> None:
        """Reads others.

        Args:
            ledger: what has been counted.
            residency: see `Residency`.
            health: the body of `GET /health`.
            most: versions and aliases told of one by one.
        """
        self._ledger = ledger
        self._residency = residency
        self._health = health
        self._most = most

    def now(self) -> "Moment":
        """How things stand; called where they change, on the event loop."""
        return Moment(self._ledger, self._health(), self._residency, self._most)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The numbers of one moment, which any thread may write out.

    Attributes:
        ledger: what has been counted.
        health: the body of `GET /health`.
        residency: looks at the disk, so not on the event loop.
        most: versions and aliases told of one by one.
    """

    ledger: Ledger
    health: Mapping[str, Any]
    residency: Residency
    most: int

    def text(self) -> bytes:
        """In the text format, version 0.0.4; long, where there are many versions."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> "Iterator[Metric]":
        """See prometheus_client's `Collector`."""
        yield from self._counters()
        yield from self._histograms()
        yield from self._of_now()
        yield from self._swaps()
        yield from self._trials()

    def _counters(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily as Counter

        requests = Counter("medley_requests", "Answered.", labels=(*_VERSION, "route", "outcome"))
        errors = Counter("medley_errors", "Refused or failed.", labels=(*_VERSION, "code"))
        prompt = Counter("medley_prompt_tokens", "Read by the engine.", labels=_VERSION)
        completion = Counter("medley_completion_tokens", "Written by it.", labels=_VERSION)
        for one in self.ledger.series:
            labels = (one.adapter, one.name)
            for (route, outcome), count in list(one.requests.items()):
                requests.add_metric((*labels, route, outcome), count)
            for code, count in list(one.errors.items()):
                errors.add_metric((*labels, code), count)
            prompt.add_metric(labels, one.prompt_tokens)
            completion.add_metric(labels, one.completion_tokens)
        wrong = "Answers that named another version than the request was pinned to; must stay 0."
        yield from (requests, errors, prompt, completion)
        yield Counter("medley_wrong_version_answers", wrong, value=self.ledger.wrong_versions)

    def _histograms(self) -> "Iterator[Metric]":
        from prometheus_client.core import HistogramMetricFamily as Histogram

        told = {
            "first_token": ("time_to_first_token", "From the request to the first token."),
            "gaps": ("inter_token", "From one streamed event to the next."),
            "duration": ("request", "From the request to the end of its answer."),
            "queue": ("queue_wait", "Waited for a turn."),
        }
        for name, (metric, said) in told.items():
            family = Histogram(f"medley_{metric}_seconds", said, labels=_VERSION)
            for one in self.ledger.series:
                buckets = getattr(one, name)
                family.add_metric((one.adapter, one.name), buckets.cumulative, buckets.total)
            yield family

    def _of_now(self) -> "Iterator[Metric]":
        from prometheus_client.core import GaugeMetricFamily as Gauge

        health, tiers = self.health, self.residency()
        yield Gauge("medley_ready", "Whether requests are answered.", value=health["ready"])
        away = health["registry"]["failure"] is not None
        yield Gauge("medley_registry_away", "Whether the registry cannot be read.", value=away)
        count = Gauge("medley_resident_versions", "Versions by tier.", labels=("tier",))
        held = Gauge("medley_version_resident", "1 where it is.", labels=(*_VERSION, "tier"))
        for tier in _TIERS:
            there = tiers.get(tier, {})
            count.add_metric((tier,), len(there))
            for version, adapter in list(there.items())[: self.most]:
                held.add_metric((adapter, version, tier), 1)
        running = Gauge("medley_running_requests", "On it now.", labels=_VERSION)
        for row in health["resident"][: self.most]:
            name = row["version"]
            running.add_metric((name.partition(":")[0], name), row["requests"])
        yield from (count, held, running)

    def _swaps(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily as Counter
        from prometheus_client.core import GaugeMetricFamily as Gauge
        from prometheus_client.core import HistogramMetricFamily as Histogram

        said = "Each phase of swaps that have ended."
        phases = Histogram("medley_swap_phase_seconds", said, labels=("phase",))
        for phase, buckets in list(self.ledger.phases.items()):
            phases.add_metric((phase,), buckets.cumulative, buckets.total)
        swaps = Counter("medley_swaps", "Swaps that have ended.", labels=("outcome",))
        for outcome in ("done", "failed"):
            swaps.add_metric((outcome,), self.ledger.swaps[outcome])
        last = Gauge("medley_last_swap_failed", "1 where the old serves on.", labels=("alias",))
        for row in self.health["swaps"][: self.most]:
            last.add_metric((row["alias"],), row["failure"] is not None)
        yield from (phases, swaps, last)

    def _trials(self) -> "Iterator[Metric]":
        """Canary and shadow beside the version that they are tried against."""
        from prometheus_client.core import GaugeMetricFamily as Gauge

        said = {
            "requests": "Requests in the window by which a trial is judged.",
            "failed": "Those of them that failed.",
            "agreement": "How far answers agree with those of the version in force, 0 to 1.",
        }
        trials = self.health.get("traffic", ())
        for name, meant in said.items():
            family = Gauge(f"medley_trial_{name}", meant, labels=("alias", "side"))
            for trial in trials[: self.most]:
                for side, row in trial["sides"].items():
                    if row.get(name) is not None:
                        family.add_metric((trial["alias"], side), row[name])
            yield family

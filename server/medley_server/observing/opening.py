"""Everything that observes one server, put together and taken down in order."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from medley_registry import Version

from medley_server.observing.access_log import AccessLog, open_access_log
from medley_server.observing.ledger import Ledger
from medley_server.observing.metrics import Metrics
from medley_server.observing.observed import Observed
from medley_server.observing.swaps import SeenSwap, SwapsSeen
from medley_server.observing.tracing import Tracing, open_tracing

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class Observable(Protocol):
    """What is looked at: see `medley_server.service.Service`."""

    def offers(self, version: Version) -> bool:
        """Whether it may be asked for now."""
        ...

    def tiers(self) -> dict[str, dict[str, str]]:
        """Versions by where they are."""
        ...

    def health(self) -> tuple[int, dict[str, Any]]:
        """The body of `GET /health`."""
        ...

    def observe(
        self, *, on_step: Callable[[SeenSwap], None], on_wait: Callable[[str, float], None]
    ) -> None:
        """Tells of steps of swaps, and of turns that were waited for."""
        ...


@dataclass(frozen=True, slots=True)
class Observing:
    """What looks on.

    Attributes:
        metrics: what `/metrics` says besides vLLM's own.
    """

    metrics: Metrics
    ledger: Ledger
    access_log: AccessLog | None
    tracing: Tracing | None

    def around(self, app: "ASGIApp") -> Observed:
        """The gateway, watched."""
        return Observed(app, self.ledger, access_log=self.access_log, tracing=self.tracing)


@asynccontextmanager
async def open_observing(
    service: Observable, *, access_log: str, environment: Mapping[str, str]
) -> AsyncIterator[Observing]:
    """Observes `service`, from before it runs.

    Args:
        service: tells what is offered, resident and waiting.
        access_log: see `open_access_log`.
        environment: see `open_tracing`.

    Raises:
        CannotStart: the log cannot be written, or spans cannot be sent.
    """
    ledger = Ledger(offers=service.offers)
    metrics = Metrics(ledger, residency=service.tiers, health=lambda: service.health()[1])
    with open_access_log(access_log) as lines:
        async with open_tracing(environment) as tracing:
            service.observe(on_step=SwapsSeen(ledger, tracing), on_wait=ledger.note_wait)
            yield Observing(metrics, ledger, lines, tracing)

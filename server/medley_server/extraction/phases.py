"""Where the time of a document goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from medley.results import Usage

from medley_server.extraction.asking import Spent

_ENGINE = "engine"


class Phases:
    """Adds up milliseconds by phase; one per document.

    Pages are grounded while the engine answers others, so `grounding` is partly within `engine`.
    """

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._ms: dict[str, float] = {}

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Adds what the block takes; blocks may run in threads, beside each other."""
        started = time.perf_counter()
        try:
            yield
        finally:
            took = 1000 * (time.perf_counter() - started)
            self._ms[phase] = self._ms.get(phase, 0.0) + took

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Adds what the block takes to the engine's time."""
        with self.timed(_ENGINE):
            yield

    def usage(self, spent: Spent, *, image_tokens: int = 0) -> Usage:
        """What it all cost.

        Questions are in the engine beside each other: where it tells how long each waited, was
        read and was written, its time is divided in these shares.
        """
        ms = dict(self._ms)
        total = sum(spent.timing)
        if total > 0 and _ENGINE in ms:
            whole = ms.pop(_ENGINE)
            shares = spent.timing._asdict()
            ms |= {name: whole * share / total for name, share in shares.items()}
        return Usage(
            input_tokens=spent.input_tokens,
            image_tokens=image_tokens,
            output_tokens=spent.output_tokens,
            latency_ms=round(1000 * (time.perf_counter() - self._started), 1),
            queue_ms=round(ms.pop("queue", 0.0), 1),
            phases_ms={name: round(each, 1) for name, each in ms.items()},
        )

"""Canaries and shadows in the engine before they get their first request."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from medley_registry import Version

from medley_server.errors import AdapterUnavailable
from medley_server.residency import Residency

log = logging.getLogger(__name__)

LOOK_S = 0.1
"""How often it is looked whether something is to be loaded."""

RETRY_S = 10.0
"""How long a version that could not be loaded is left alone."""


class Readying:
    """Loads and probes what is tried, one version at a time, and again when it had to go."""

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._failed: dict[tuple[str, int], tuple[str, float]] = {}

    def is_ready(self, version: Version) -> bool:
        """Whether the engine answers with it now."""
        name = version.engine_name
        return any(resident.version.engine_name == name for resident in self._residency.residents)

    def failures(self, adapter: str, numbers: Iterable[int]) -> dict[int, str]:
        """Why some of these are not loaded."""
        found = {number: self._failed.get((adapter, number)) for number in numbers}
        return {number: failed[0] for number, failed in found.items() if failed is not None}

    async def run(self, wanted: Callable[[], Iterable[Version]]) -> None:
        """Loads what is wanted, until cancelled."""
        while True:
            try:
                await self.ready(wanted())
            except Exception:  # the process's edge: a task that died would be silent
                log.exception("loading what is tried failed, and goes on")
            await asyncio.sleep(LOOK_S)

    async def ready(self, wanted: Iterable[Version]) -> None:
        """Loads those that are not there, unless they failed just now."""
        for version in wanted:
            key = (version.adapter, version.number)
            _, again_at = self._failed.get(key, ("", 0.0))
            if self.is_ready(version) or time.monotonic() < again_at:
                continue
            try:
                await self._residency.ensure(version)
                self._failed.pop(key, None)
            except AdapterUnavailable as error:
                log.warning("%s gets no requests: %s", version.reference, error)
                self._failed[key] = (str(error), time.monotonic() + RETRY_S)

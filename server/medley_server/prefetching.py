"""Fetching versions before anyone promotes them: a promotion then only has to load and to probe."""

import asyncio
import logging
import time
from typing import Any

from medley_registry import Version

from medley_server.adapter_files import MOST_BYTES
from medley_server.catalogue import Catalogue
from medley_server.errors import AdapterUnavailable
from medley_server.fetching import Fetcher

log = logging.getLogger(__name__)

LOOK_S = 0.25
"""How often it is looked whether there is something to fetch, where there was nothing."""

RETRY_S = 60.0
"""How long a version that could not be fetched is left alone."""


class Prefetcher:
    """Fetches, verifies and checks the newest version of each adapter, if no alias has it yet.

    One at a time, newest first. Their files stay while they are the newest and there is room.
    """

    def __init__(
        self, catalogue: Catalogue, fetcher: Fetcher, *, most_bytes: int = MOST_BYTES // 2
    ) -> None:
        self._catalogue = catalogue
        self._fetcher = fetcher
        self._most_bytes = most_bytes
        self._fetched: dict[str, Version] = {}
        self._failed: dict[str, tuple[Version, str, float]] = {}

    async def run(self) -> None:
        """Goes on until cancelled; what it holds then goes with the process."""
        while True:
            try:
                has_fetched = await self.fetch_one()
            except Exception:  # the process's edge: a task that died would be silent
                log.exception("fetching versions ahead failed, and goes on")
                has_fetched = False
            if not has_fetched:
                await asyncio.sleep(LOOK_S)

    async def fetch_one(self) -> bool:
        """Fetches the next version; False if there is none."""
        wanted = self._wanted()
        self._let_go(wanted)
        now = time.monotonic()
        for name, version in wanted.items():
            failed = self._failed.get(name)
            if name not in self._fetched and (failed is None or failed[2] <= now):
                await self._fetch(version)
                return True
        return False

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is at hand, or could not be fetched and why."""
        fetched = [_row(version, None) for version in self._fetched.values()]
        return fetched + [_row(version, why) for version, why, _ in self._failed.values()]

    def _wanted(self) -> dict[str, Version]:
        """By engine name, newest first, as many as fit."""
        live = self._catalogue.live_engine_names
        newest = {version.adapter: version for version in self._catalogue.versions}
        ahead = [version for version in newest.values() if version.engine_name not in live]
        wanted, size_bytes = {}, 0
        for version in sorted(ahead, key=lambda one: one.created_at, reverse=True):
            size_bytes += version.size_bytes
            if size_bytes > self._most_bytes:
                break
            wanted[version.engine_name] = version
        return wanted

    def _let_go(self, wanted: dict[str, Version]) -> None:
        for name in self._fetched.keys() - wanted.keys():
            self._fetcher.release(self._fetched.pop(name))
        for name in self._failed.keys() - wanted.keys():
            del self._failed[name]

    async def _fetch(self, version: Version) -> None:
        name = version.engine_name
        try:
            await self._fetcher.fetch(version)
        except AdapterUnavailable as error:
            if name not in self._failed:
                log.warning("%s was not fetched ahead: %s", version.reference, error)
            self._failed[name] = (version, str(error), time.monotonic() + RETRY_S)
            return
        self._failed.pop(name, None)
        self._fetched[name] = version
        log.info("%s is fetched and checked", version.reference)
        await self._fetcher.clean()


def _row(version: Version, failure: str | None) -> dict[str, Any]:
    return {"version": version.reference, "bytes": version.size_bytes, "failure": failure}

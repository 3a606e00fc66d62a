"""Sharing requests out by the rules of their aliases, and taking back what breaks a bound."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from medley_registry import (
    DEFAULT_ALIAS,
    Busy,
    Conflict,
    NotFound,
    Reference,
    Refused,
    Registry,
    RegistryError,
    Version,
)
from medley_registry.timestamps import now
from medley_registry.traffic import Steered

from medley_server.catalogue import AliasKey, Catalogue
from medley_server.errors import BadRequest, ModelNotFound
from medley_server.residency import Residency
from medley_server.traffic.asker import GENERATING, Asker
from medley_server.traffic.readying import Readying
from medley_server.traffic.shadowing import Shadowing
from medley_server.traffic.sides import Side
from medley_server.traffic.trial import Trial, Verdict
from medley_server.traffic.way import Way
from medley_server.traffic.window import Seen

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""How long the registry is left alone that could not be written to."""

Observer = Callable[[str, Side, str], None]
"""Is told of each request that counts: alias, side, and ``answered``, ``failed`` or ``dropped``."""


class Steering:
    """Decides, counts and judges; belongs to one event loop.

    Attributes:
        observe: who else wants to know of every request.
    """

    def __init__(
        self,
        registry: Registry,
        catalogue: Catalogue,
        residency: Residency,
        shadowing: Shadowing,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Steers by what it learns; nothing is loaded or written until `run` is entered."""
        self._registry = registry
        self._catalogue = catalogue
        self._shadowing = shadowing
        self._readying = Readying(residency)
        self._clock = clock
        self._trials: dict[AliasKey, Trial] = {}
        self._verdicts: asyncio.Queue[Verdict] = asyncio.Queue()
        self._actor = f"server {socket.gethostname()}:{os.getpid()}"
        self.observe: Observer = lambda _alias, _side, _outcome: None

    def learn(self, steered: Iterable[Steered]) -> None:
        """Takes over the rules as they stand now; what is counted under one that stays, stays."""
        before, self._trials = self._trials, {}
        for one in steered:
            key = (one.rule.adapter, one.rule.alias)
            known = before.get(key)
            is_same = known is not None and known.steered == one
            self._trials[key] = known if known and is_same else Trial(one, self._clock)

    @property
    def tried(self) -> list[Version]:
        """Canaries and shadows: loaded before they get anything, and kept."""
        found = [
            self._catalogue.offered(trial.rule.adapter, number)
            for trial in self._trials.values()
            for number in trial.tried
        ]
        return [version for version in found if version is not None]

    async def way(
        self, version: Version, asker: Asker, resolve: Callable[[str], Awaitable[Version]]
    ) -> Way:
        """The way of a request whose reference means `version`.

        Args:
            version: what the alias answers with, or just what was asked for.
            asker: the request.
            resolve: finds what a tester asked for.

        Raises:
            BadRequest: a tester's wish beside a reference that leaves no choice.
            ModelNotFound: there is nothing that he wishes for.
        """
        reference = Reference.parse(asker.model)
        is_exact = reference.number is not None or reference.digest_prefix is not None
        if asker.wish:
            if is_exact:
                raise BadRequest("x-medley-version goes with a name or an alias, not a version.")
            return Way(await self._wished(version, reference, asker, resolve))
        trial = self._trials.get((reference.adapter, reference.alias or DEFAULT_ALIAS))
        if trial is None or is_exact or asker.path not in GENERATING:
            return Way(version)
        canary = self._ready(trial, trial.traffic.canary) if trial.draws_canary(asker) else None
        if canary is not None:
            return Way(canary, Side.CANARY, partial(self._account, trial, Side.CANARY))
        if version.number != trial.steered.alias.number:
            return Way(version)  # the alias has moved, and this server is about to follow
        shadow = self._ready(trial, trial.traffic.shadow) if trial.draws_shadow(asker) else None
        return Way(
            version,
            Side.STABLE,
            partial(self._account, trial, Side.STABLE),
            shadow,
            self._shadowing.offer,
            partial(self._compared, trial),
        )

    async def _wished(
        self,
        version: Version,
        reference: Reference,
        asker: Asker,
        resolve: Callable[[str], Awaitable[Version]],
    ) -> Version:
        if asker.wish == Side.STABLE:
            return version
        if asker.wish.isascii() and asker.wish.isdigit() and len(asker.wish) < 10:
            return await resolve(f"{reference.adapter}:{int(asker.wish)}")
        if asker.wish != Side.CANARY:
            raise BadRequest("x-medley-version is `stable`, `canary`, or a version's number.")
        trial = self._trials.get((reference.adapter, reference.alias or DEFAULT_ALIAS))
        if trial is None or trial.traffic.canary is None:
            raise ModelNotFound(asker.model, because="it has no canary")
        return await resolve(f"{reference.adapter}:{trial.traffic.canary}")

    def _ready(self, trial: Trial, number: int | None) -> Version | None:
        """The version, if it may be served and is loaded and probed; nobody waits for a load."""
        version = self._catalogue.offered(trial.rule.adapter, number) if number else None
        return version if version and self._readying.is_ready(version) else None

    def _account(self, trial: Trial, side: Side, seen: Seen) -> None:
        self.observe(trial.rule.reference, side, "failed" if seen.is_failed else "answered")
        if (verdict := trial.account(side, seen, now())) is not None:
            log.warning("%s: %s", trial.rule.reference, verdict.reason)
            self._verdicts.put_nowait(verdict)

    def _compared(self, trial: Trial, seen: Seen | None) -> None:
        if seen is not None:
            self._account(trial, Side.SHADOW, seen)
            return
        trial.copies_dropped += 1
        self.observe(trial.rule.reference, Side.SHADOW, "dropped")

    async def run(self) -> None:
        """Loads what is tried, asks shadows, writes verdicts to the registry; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._readying.run(lambda: self.tried))
            tasks.create_task(self._shadowing.run())
            tasks.create_task(self._write())

    async def _write(self) -> None:
        while True:
            verdict = await self._verdicts.get()
            while not await self._carry_out(verdict):
                await asyncio.sleep(RETRY_S)

    async def _carry_out(self, verdict: Verdict) -> bool:
        """False if the registry is away: it is told later, and this server acts by itself."""
        name, alias = verdict.key
        try:
            await asyncio.to_thread(self._told, verdict)
        except RegistryError as error:
            is_settled = isinstance(error, Conflict | Refused | NotFound)
            if not is_settled or isinstance(error, Busy):
                log.warning("%s@%s: the registry is told later: %s", name, alias, error)
                return False
            log.warning("%s@%s: nothing to take back: %s", name, alias, error)
        except Exception:  # the process's edge: a task that died would be silent
            log.exception("%s@%s: telling the registry failed, and is tried again", name, alias)
            return False
        return True

    def _told(self, verdict: Verdict) -> None:
        name, alias = verdict.key
        if verdict.number is None:
            self._registry.rollback(
                name, alias=alias, actor=self._actor, expected_generation=verdict.expected
            )
            return
        self._registry.traffic.halt(
            name,
            alias,
            verdict.number,
            reason=verdict.reason,
            actor=self._actor,
            expected_revision=verdict.expected,
        )

    def rows(self) -> list[dict[str, Any]]:
        """Its part of `GET /health`."""
        return [
            trial.row(self._readying.failures(trial.rule.adapter, trial.tried))
            for _, trial in sorted(self._trials.items())
        ]

"""Leases on the versions that this server holds, so that no collection takes their bytes."""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Callable, Collection

from medley_registry import Registry, RegistryError, Version

log = logging.getLogger(__name__)

LEASE_S = 3600.0
"""How long a lease lasts: a server that was killed frees its versions within this time."""

RENEWAL_S = 600.0
"""How often they are renewed, so a registry may be away for most of an hour."""


class Leaseholder:
    """Takes leases in the name of this process; what cannot be leased is served all the same."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        """Unique, whatever other servers are called."""

    def take(self, version: Version) -> None:
        """Leases a version, or renews its lease; to be called in a thread."""
        try:
            self._registry.leases.take(version, holder=self.name, seconds=LEASE_S)
        except RegistryError as error:
            log.warning("no lease on %s: %s", version.reference, error)

    async def keep(self, held: Callable[[], Collection[Version]]) -> None:
        """Renews the leases on what `held` gives, again and again, until cancelled."""
        while True:
            await asyncio.sleep(RENEWAL_S)
            try:
                for version in held():
                    await asyncio.to_thread(self.take, version)
            except Exception:  # the process's edge: a keeper that died would be silent
                log.exception("renewing the leases failed, and is tried again")

    def release(self) -> None:
        """Gives up every lease; to be called in a thread."""
        try:
            self._registry.leases.release(self.name)
        except RegistryError as error:
            log.warning("leases of %s were not given up and will run out: %s", self.name, error)

"""Wrong keys, counted by the address they come from, so that none is found by trying."""

import hashlib
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from medley_server.callers import Caller, Callers, key_of
from medley_server.errors import RateLimited, RegistryAway
from medley_server.limits.token_bucket import TokenBucket

if TYPE_CHECKING:
    from starlette.types import Scope

T = TypeVar("T")

WRONG_PER_MINUTE = 20
"""New keys that may be wrong, from one address; after them no new one is looked at."""

MOST_REMEMBERED = 4096
"""Addresses, and keys that came from them; of more the oldest are forgotten."""


class GuardedCallers:
    """Tells who calls, as `Callers` does, unless too many wrong keys came from his address.

    What counts is a wrong key that has not come from there before, for only that is a guess. So a
    program that goes on with a key that was taken back does not shut out those who share its
    address, as all callers behind a proxy do.
    """

    def __init__(self, callers: Callers, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._callers = callers
        self._clock = clock
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self._seen: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    async def identify(self, scope: "Scope") -> Caller:
        """See `Callers.identify`.

        Raises:
            RateLimited: too many wrong keys.
            ServerError: see there.
        """
        address, key = _address(scope), key_of(scope)
        seen = (address, hashlib.sha256(key).digest())
        if not key or seen in self._seen:
            return await self._callers.identify(scope)
        bucket = self._buckets.setdefault(address, TokenBucket(WRONG_PER_MINUTE, self._clock))
        _trim(self._buckets, address)
        if wait_s := bucket.wait_s(1):
            raise RateLimited("Too many wrong keys came from your address.", wait_s=wait_s)
        bucket.take(1)  # before it is looked at, or many at once would all be looked at
        self._seen[seen] = None
        _trim(self._seen, seen)
        try:
            caller = await self._callers.identify(scope)
        except RegistryAway:
            bucket.take(-1)
            raise
        bucket.take(-1)
        return caller


def _address(scope: "Scope") -> str:
    """Who can have one address of a network of IPv6 can have them all."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    if ":" not in host:
        return host
    return str(ipaddress.ip_network(f"{host.partition('%')[0]}/64", strict=False))


def _trim(remembered: "OrderedDict[T, Any]", newest: T) -> None:
    remembered.move_to_end(newest)
    while len(remembered) > MOST_REMEMBERED:
        remembered.popitem(last=False)

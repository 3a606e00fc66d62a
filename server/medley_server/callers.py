"""Who calls, and what for: bearer keys and their scopes.

Keys are the registry's access keys, with the scopes they were given, and the keys the server was
started with, which may do everything. A server that has neither is open to its own machine.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from medley_registry import AccessDenied, AccessKey, RegistryError
from medley_registry.services.access import Access
from medley_registry.timestamps import now

from medley_server.errors import AdapterForbidden, Forbidden, RegistryAway, Unauthorized

if TYPE_CHECKING:
    from starlette.types import Scope

T = TypeVar("T")

INFER, PUBLISH, ADMIN = "infer", "publish", "admin"

CALLER = "medley.caller"
"""Where an ASGI scope holds the `Caller`, once it is known."""

FRESH_S = 2.0
"""How long what the registry said of a key is believed, so the time a revocation takes."""

AWAY_S = 3600.0
"""How long a key goes on being believed while the registry cannot be asked."""

PATIENCE_S = 5.0
"""How long a request waits for the registry before it goes on without."""

_ONLY = f"{INFER}:"
"""Begins the scopes that open inference with some adapters only."""

_MOST_KEPT = 4096
_NAME_LENGTH = 200
_BEARER = re.compile(rb"(?i)bearer +")


def promoting(alias: str) -> str:
    """The scope that moving an alias needs."""
    return f"promote:{alias}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request; ``name`` stands in the events of what it changes."""

    name: str
    scopes: frozenset[str]
    key_id: str = ""
    key_name: str = ""

    def may_use(self, adapter: str) -> bool:
        """Whether it may infer with an adapter: ``infer:ward-*`` allows those of that glob."""
        if self.scopes & {INFER, ADMIN}:
            return True
        globs = (scope.removeprefix(_ONLY) for scope in self.scopes if scope.startswith(_ONLY))
        return any(fnmatchcase(adapter, glob) for glob in globs)

    def require_use(self, model: str) -> None:
        """Let a reference pass whose adapter it may use; others are refused, there or not.

        Raises:
            AdapterForbidden: it may not.
        """
        adapter = model.partition("@")[0].partition(":")[0]
        if not self.may_use(adapter):
            raise AdapterForbidden(f"This key may not use the adapter {adapter!a}.")

    def allows(self, scope: str) -> bool:
        """Whether one of its scopes is this one or holds it."""
        if scope == INFER and any(one.startswith(_ONLY) for one in self.scopes):
            return True
        wanted = {scope, ADMIN}
        if scope.startswith("promote:"):
            wanted.add("promote:*")
        return not wanted.isdisjoint(self.scopes)

    def require(self, *scopes: str) -> None:
        """Let it pass if it has one of these scopes.

        Raises:
            Forbidden: it has none of them.
        """
        if not any(self.allows(scope) for scope in scopes):
            raise Forbidden(f"This needs a key with the scope {' or '.join(scopes)}.")


OPEN = Caller("local", frozenset({ADMIN}))
"""A program on this machine, where there are no keys."""

PAGE = Caller("web page", frozenset({INFER}))
"""As `OPEN`, but sent by a browser for some site: whose, the person before it may not know."""


@dataclass(slots=True)
class _Known:
    """A key as the registry last confirmed it, and when it was last asked, answer or not."""

    key: AccessKey
    confirmed_at: float
    asked_at: float

    @property
    def is_believed(self) -> bool:
        is_expired = self.key.expires_at is not None and self.key.expires_at <= now()
        return not is_expired and time.monotonic() - self.confirmed_at < AWAY_S


class Callers:
    """Tells who calls, mostly from memory."""

    def __init__(self, access: Access, configured: Sequence[str], *, is_local: bool) -> None:
        """Knows the keys of a registry, and some more.

        Args:
            access: the registry's keys.
            configured: keys that may do everything.
            is_local: only this machine can reach the server, so it may do without keys.
        """
        self._access = access
        self._configured = [key.encode() for key in configured]
        self._known: dict[str, _Known] = {}
        self._asked: dict[str, asyncio.Task[Any]] = {}
        # Once there was a key, keys are needed: taking the last one back must not open the door.
        self._needs_key = bool(configured) or not is_local
        self._looked_at = float("-inf")

    async def identify(self, scope: "Scope") -> Caller:
        """Who sends this request.

        Raises:
            Unauthorized: it has no key, or none that opens anything.
            RegistryAway: its key cannot be looked up now.
        """
        headers = dict(scope["headers"])
        given = key_of(scope)
        if not self._needs_key:
            await self._look_for_keys()
        if not self._needs_key:
            return PAGE if _is_from_a_page(headers) else OPEN
        # Every key is compared, in constant time, so neither content nor position leaks by timing.
        equal = [hmac.compare_digest(given, key) for key in self._configured]
        if any(equal):
            name = f"configured key {equal.index(True) + 1}"
            return Caller(name, frozenset({ADMIN}), key_name=name)
        known = await self._authenticate(given)
        name = f"{known.key.name[:_NAME_LENGTH]} ({known.key.key_id})"
        return Caller(name, frozenset(known.key.scopes), known.key.key_id, known.key.name)

    async def _look_for_keys(self) -> None:
        if time.monotonic() - self._looked_at < FRESH_S:
            return
        try:
            self._needs_key = bool(await self._ask("", self._access.keys))
        except (RegistryError, TimeoutError) as error:
            if self._looked_at == float("-inf"):
                raise RegistryAway("Whether keys are needed cannot be looked up now.") from error
        self._looked_at = time.monotonic()

    async def _authenticate(self, given: bytes) -> _Known:
        name = hashlib.sha256(given).hexdigest()
        known = self._known.get(name)
        asked_at = time.monotonic()
        if known and known.is_believed and asked_at - known.asked_at < FRESH_S:
            return known
        try:
            secret = given.decode("ascii")
            key = await self._ask(name, partial(self._access.authenticate, secret))
        except (AccessDenied, UnicodeDecodeError) as error:
            self._known.pop(name, None)
            raise Unauthorized("Send a valid key: Authorization: Bearer <key>.") from error
        except (RegistryError, TimeoutError) as error:
            if known is None or not known.is_believed:
                raise RegistryAway("The key cannot be looked up now.") from error
            known.asked_at = time.monotonic()
            return known
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[name] = _Known(key, asked_at, asked_at)
        return self._known[name]

    async def _ask(self, name: str, question: Callable[[], T]) -> T:
        """Puts a question to the registry once, however many requests wait for the answer."""
        if (asked := self._asked.get(name)) is None:
            asked = asyncio.create_task(asyncio.to_thread(question))
            self._asked[name] = asked
            asked.add_done_callback(lambda task: self._answered(name, task))
        return cast("T", await asyncio.wait_for(asyncio.shield(asked), PATIENCE_S))

    def _answered(self, name: str, asked: "asyncio.Task[Any]") -> None:
        self._asked.pop(name, None)
        if not asked.cancelled():
            asked.exception()  # looked at, even if everybody has stopped waiting for it


def key_of(scope: "Scope") -> bytes:
    """The key that a request bears; nothing if it has none."""
    headers = dict(scope["headers"])
    return _BEARER.sub(b"", headers.get(b"authorization", b""), count=1).strip()


def _is_from_a_page(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser sends this for a site other than ours, by name or by a name that lies.

    With no key to ask for, any site that somebody on this machine looks at could otherwise act
    here: by a form, or by a name of its own that it lets point at 127.0.0.1.
    """
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin")
    is_foreign = origin is not None and origin.decode("latin-1").partition("://")[2] != host
    return is_foreign or not is_loopback(_name_of(host))


def _name_of(host: str) -> str:
    """What of a Host header is left without the port and the brackets of IPv6."""
    return re.sub(r":\d+$", "", host) if not host.startswith("[") else host[1:].partition("]")[0]


def is_loopback(host: str) -> bool:
    """Whether an address, or a name for one, can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

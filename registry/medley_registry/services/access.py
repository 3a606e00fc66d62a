"""Access keys: who may call over HTTP, and for what."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from medley_registry import journal, rules, timestamps
from medley_registry.errors import AccessDenied, AdmissionRefused, KeyNotFound
from medley_registry.events import EventKind
from medley_registry.index import Index
from medley_registry.keys import AccessKey

_SCOPE = re.compile(
    r"infer(:[a-z0-9*][a-z0-9._*-]{0,62})?|publish|admin|promote:(\*|[a-z0-9][a-z0-9._-]{0,62})"
)
_SECRET = re.compile(r"mdl_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_PREFIX = "mdl"


class Access:
    """Access keys with scopes. A secret is shown once, and only its hash is kept.

    The secrets are 32 random bytes, which no dictionary holds, so that a plain SHA-256 is enough.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    def add(
        self, name: str, *, scopes: Iterable[str], actor: str, expires_at: datetime | None = None
    ) -> tuple[AccessKey, str]:
        """Make a key; gives it and its secret, which cannot be had again.

        Raises:
            AdmissionRefused: by rule ``scope``.
        """
        rules.check_text("the name", name)
        rules.check_text("the actor", actor)
        rules.check_time("the expiry", expires_at)
        wanted = tuple(sorted(set(scopes)))
        for scope in wanted or ("",):
            if not _SCOPE.fullmatch(scope):
                because = "a scope is infer, infer:<adapters>, publish, promote:<alias> or admin"
                raise AdmissionRefused("scope", scope, because=because)
        key_id = secrets.token_hex(8)
        secret = f"{_PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
        key = AccessKey(
            key_id=key_id,
            name=name,
            secret_hash=_hash(secret),
            scopes=wanted,
            created_by=actor,
            created_at=timestamps.now(),
            expires_at=expires_at,
        )
        with self._index.write() as writer:
            writer.add(key)
            journal.record(
                writer,
                EventKind.ACCESS_GRANTED,
                subject=key_id,
                actor=actor,
                payload={"key_id": key_id, "name": name, "scopes": [*wanted]},
                at=key.created_at,
                records=[key],
            )
        return key, secret

    def revoke(self, key_id: str, *, actor: str) -> AccessKey:
        """Let a key open nothing any more.

        Raises:
            KeyNotFound: there is no such key, or it is revoked.
        """
        rules.check_text("the actor", actor)
        with self._index.write() as writer:
            known = writer.one(AccessKey, key_id=key_id)
            if known is None or known.revoked_at is not None:
                raise KeyNotFound(f"no access key {key_id!r}")
            key = replace(known, revoked_at=timestamps.now())
            writer.replace(key)
            journal.record(
                writer,
                EventKind.ACCESS_REVOKED,
                subject=key_id,
                actor=actor,
                payload={"key_id": key_id, "name": key.name},
                at=key.revoked_at,
            )
        return key

    def keys(self) -> list[AccessKey]:
        """Every key there is or was."""
        with self._index.read() as reader:
            return reader.all(AccessKey)

    def authenticate(self, secret: str) -> AccessKey:
        """The key that a secret belongs to.

        Raises:
            AccessDenied: there is none, or it is revoked or expired; which of them is not said.
        """
        given = _SECRET.fullmatch(secret)
        key = self._find(given[1]) if given else None
        # The hashes are compared in constant time, and even for a key that does not exist.
        is_right = hmac.compare_digest(key.secret_hash if key else _hash(""), _hash(secret))
        if key is None or not is_right or not _is_valid(key):
            raise AccessDenied("no valid access key")
        return key

    def _find(self, key_id: str) -> AccessKey | None:
        with self._index.read() as reader:
            return reader.one(AccessKey, key_id=key_id)


def _is_valid(key: AccessKey) -> bool:
    is_expired = key.expires_at is not None and key.expires_at <= timestamps.now()
    return key.revoked_at is None and not is_expired


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()

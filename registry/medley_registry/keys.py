"""Keys: whose signatures count, and who may call."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key whose signatures on versions count.

    ``key_id`` is the SHA-256, in hex, of the key's SubjectPublicKeyInfo; ``public_key`` is PEM.
    """

    key_id: str
    name: str
    public_key: str
    valid_from: datetime
    valid_until: datetime | None
    added_by: str
    distrusted_at: datetime | None = None

    def flaw(self, at: datetime) -> str | None:
        """Why a signature made at that time does not count; None when it does."""
        if self.distrusted_at is not None:
            return "is no longer trusted"
        if self.valid_until is not None and at > self.valid_until:
            return "had expired"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A trusted key's signature on a version: an OpenSSF model-signing bundle, as JSON text.

    ``at`` is when this registry took it in, which is what the key's validity is judged by.
    """

    adapter: str
    number: int
    key_id: str
    bundle: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """A caller's key: only the SHA-256 of its secret is kept.

    Scopes: ``infer``, ``infer:<adapters>`` (a name, or a glob such as ``ward-*``), ``publish``,
    ``promote:<alias>`` (``promote:*``: every alias), and ``admin``, which allows everything.
    """

    key_id: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None

    def allows(self, scope: str) -> bool:
        """Whether a call that needs this scope is allowed."""
        wanted = {scope, "admin"}
        if scope.startswith("promote:"):
            wanted.add("promote:*")
        return not wanted.isdisjoint(self.scopes)

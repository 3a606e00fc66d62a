"""The key of whoever uses this machine: what it signs with, if nothing else is said."""

import os
from pathlib import Path

from medley_registry.errors import KeyNotFound
from medley_registry.keys import TrustedKey
from medley_registry.location import medley_home
from medley_registry.registry import Registry
from medley_registry.signing import KeySigner, Signer, make_key, public_key_of


def own_key() -> Path:
    """Where this user's key lies: ``MEDLEY_SIGNING_KEY``, else a file at home; there or not."""
    given = os.environ.get("MEDLEY_SIGNING_KEY")
    return Path(given).expanduser() if given else medley_home() / "signing-key.pem"


def trust_own_key(registry: Registry, *, actor: str) -> TrustedKey:
    """Let a registry trust this user's key, which is made if there is none."""
    path = own_key()
    public_key = public_key_of(path) if path.exists() else make_key(path).public_key
    return registry.trust.add(public_key, name=actor, actor=actor)


def signer_for(registry: Registry, key: Path | None = None) -> Signer | None:
    """The signer to publish with: of the key that was given, else of this user's own.

    The key at home was not given for this registry: one that asks for no signatures gets none.

    Raises:
        KeyNotFound, SignatureRefused: the key is missing, or is none that can sign.
    """
    if key is not None or os.environ.get("MEDLEY_SIGNING_KEY"):
        return KeySigner(key or own_key())
    if own_key().exists() and registry.trust.is_on():
        return KeySigner(own_key())
    return None


def some_signer(key: Path | None) -> Signer:
    """A signer, where there is nothing to do without one.

    Raises:
        KeyNotFound, SignatureRefused: as for `signer_for`.
    """
    path = key or own_key()
    if not path.exists():
        raise KeyNotFound(f"no signing key at {path}; give one with --key")
    return KeySigner(path)

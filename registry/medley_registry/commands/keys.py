"""Keys as people give them: by the first digits of their ids, or in files."""

from pathlib import Path

from medley_registry.durable import disk_errors
from medley_registry.errors import KeyNotFound
from medley_registry.keys import TrustedKey
from medley_registry.registry import Registry
from medley_registry.signing import public_key_of

_LEAST_DIGITS = 8


def found_key(registry: Registry, key_id: str) -> TrustedKey:
    """The trusted key with this id, or with an id that begins so (8 digits at least).

    Raises:
        KeyNotFound: there is none, or more than one.
    """
    known = registry.trust.keys()
    fitting = [key for key in known if key.key_id.startswith(key_id)]
    if len(fitting) != 1 or len(key_id) < _LEAST_DIGITS:
        short = tuple(key.key_id[:12] for key in fitting)
        raise KeyNotFound(f"no one key is meant by {key_id!r}", nearest=short)
    return fitting[0]


def public_key_in(path: Path) -> str:
    """The public key (PEM) in a file, which may hold the private one.

    Raises:
        SignatureRefused: it holds neither.
        Unavailable: it cannot be read.
    """
    with disk_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    return public_key_of(path) if "PRIVATE KEY" in text else text

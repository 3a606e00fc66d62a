"""A signature that a publisher made where his key is, and sent along."""

from collections.abc import Iterable

from medley_registry import SignatureRefused, TrustedKey
from medley_registry.signing import GivenSignature


def sent_signature(keys: Iterable[TrustedKey], key_id: str, *, bundle: str) -> GivenSignature:
    """The signature of one of these keys.

    Raises:
        SignatureRefused: the key is none of them.
    """
    for key in keys:
        if key.key_id == key_id:
            return GivenSignature(key_id, key.public_key, bundle)
    raise SignatureRefused(f"the signing key {key_id[:12]} is not trusted by this registry")

"""A signature that a publisher made where his key is, and sent along."""

from collections.abc import Iterable
from dataclasses import dataclass

from medley_registry import Manifest, SignatureRefused, TrustedKey
from medley_registry.signing import check_signature


@dataclass(frozen=True, slots=True)
class SentSignature:
    """A `Signer` that has signed already; the private key never comes here."""

    key_id: str
    public_key: str
    bundle: str

    @classmethod
    def by(cls, keys: Iterable[TrustedKey], key_id: str, *, bundle: str) -> "SentSignature":
        """The signature of one of these keys.

        Raises:
            SignatureRefused: the key is none of them.
        """
        for key in keys:
            if key.key_id == key_id:
                return cls(key_id, key.public_key, bundle)
        raise SignatureRefused(f"the signing key {key_id[:12]} is not trusted by this registry")

    def sign(self, manifest: Manifest) -> str:
        """The signature, if it is over just these files.

        Raises:
            SignatureRefused: it is not, or not by this key.
        """
        check_signature(self.bundle, manifest, public_key=self.public_key)
        return self.bundle

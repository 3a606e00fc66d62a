"""Keys and signatures: whether they are what they say, not whether they are trusted."""

from collections.abc import Iterator

from medley_registry.adapters import Version
from medley_registry.errors import SignatureRefused
from medley_registry.findings import Code, Finding
from medley_registry.keys import Signature, TrustedKey
from medley_registry.signing import check_signature, key_id_of
from medley_registry.upkeep.facts import Facts


def check_trust(facts: Facts) -> Iterator[Finding]:
    for key in facts.all(TrustedKey):
        try:
            if key_id_of(key.public_key) != key.key_id:
                yield Finding(Code.KEY_WRONG, key.key_id, "is the id of another key")
        except SignatureRefused as error:
            yield Finding(Code.KEY_WRONG, key.key_id, str(error))
    for signature in facts.all(Signature):
        version = facts.one(Version, signature.adapter, signature.number)
        signer = facts.one(TrustedKey, signature.key_id)
        subject = f"{signature.adapter}:{signature.number} by {signature.key_id[:12]}"
        if version is None or signer is None:
            yield Finding(Code.SIGNATURE_WRONG, subject, "its version or its key is not there")
            continue
        try:
            check_signature(signature.bundle, version.manifest, public_key=signer.public_key)
        except SignatureRefused as error:
            yield Finding(Code.SIGNATURE_WRONG, subject, str(error))

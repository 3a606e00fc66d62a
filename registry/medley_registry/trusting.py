"""Which signatures on a version count."""

from datetime import datetime

from medley_registry import journal, timestamps
from medley_registry.adapters import Version
from medley_registry.errors import SignatureRefused
from medley_registry.events import EventKind
from medley_registry.index import IndexReader, IndexWriter
from medley_registry.keys import Signature, TrustedKey
from medley_registry.signing import check_signature


def valid_signers(reader: IndexReader, version: Version) -> dict[str, TrustedKey]:
    """The keys, by id, that signed just this content and were trusted when they did."""
    return {key.key_id: key for key, flaw in _judged(reader, version) if flaw is None}


def check_signed(reader: IndexReader, version: Version) -> TrustedKey | None:
    """Verify before use: one signature that counts is enough.

    Returns:
        The key that signed; None where this registry trusts no keys and so asks for none.

    Raises:
        SignatureRefused: no signature counts; says why for each.
    """
    if not reader.all(TrustedKey):
        return None
    flaws = []
    for key, flaw in _judged(reader, version):
        if flaw is None:
            return key
        flaws.append(f"{key.name} {flaw}")
    because = "; ".join(flaws) or "it is not signed"
    raise SignatureRefused(f"{version.reference} has no signature that counts: {because}")


def is_vouched(reader: IndexReader, version: Version) -> bool:
    """Whether `check_signed` would let it pass."""
    try:
        check_signed(reader, version)
    except SignatureRefused:
        return False
    return True


def accept_signature(
    reader: IndexReader, version: Version, *, key_id: str, bundle: str, by: str, at: datetime
) -> Signature:
    """A signature that counts from now on, checked before it is taken in.

    Raises:
        SignatureRefused: its key does not count here, or it is not over this content.
    """
    key = reader.one(TrustedKey, key_id=key_id)
    flaw = key.flaw(at) if key else "is not trusted by this registry"
    if key is None or flaw:
        raise SignatureRefused(f"the signing key {key_id[:12]} {flaw}")
    check_signature(bundle, version.manifest, public_key=key.public_key)
    return Signature(
        adapter=version.adapter, number=version.number, key_id=key_id, bundle=bundle, by=by, at=at
    )


def sign_version(
    writer: IndexWriter, version: Version, *, key_id: str, bundle: str, by: str
) -> Signature:
    """Add a signature to a version that is there; the same key's again changes nothing.

    Raises:
        SignatureRefused: see `accept_signature`.
    """
    known = writer.one(Signature, adapter=version.adapter, number=version.number, key_id=key_id)
    if known is not None:
        return known
    at = timestamps.now()
    signature = accept_signature(writer, version, key_id=key_id, bundle=bundle, by=by, at=at)
    writer.add(signature)
    journal.record(
        writer,
        EventKind.VERSION_SIGNED,
        subject=version.reference,
        actor=by,
        payload={
            "adapter": version.adapter,
            "number": version.number,
            "digest": str(version.digest),
            "key_id": key_id,
        },
        at=at,
        records=[signature],
    )
    return signature


def _judged(reader: IndexReader, version: Version) -> "list[tuple[TrustedKey, str | None]]":
    judged = []
    for signature in reader.all(Signature, adapter=version.adapter, number=version.number):
        key = reader.one(TrustedKey, key_id=signature.key_id)
        if key is not None:
            judged.append((key, key.flaw(signature.at) or _mismatch(signature, version, key)))
    return judged


def _mismatch(signature: Signature, version: Version, key: TrustedKey) -> str | None:
    try:
        check_signature(signature.bundle, version.manifest, public_key=key.public_key)
    except SignatureRefused as error:
        return f"signed something else: {error}"
    return None

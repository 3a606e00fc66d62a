"""Seals: a signed note of where the log stood, to be kept outside the registry.

The chain of hashes shows that something was changed; only what is kept elsewhere shows that the
log was cut off, or written anew as a whole. A seal is signed like a version, in OpenSSF's format:
the one file it covers is called ``event-log-head.json``, which no version's file is.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from medley_registry import timestamps
from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import AdmissionRefused, SignatureRefused
from medley_registry.events import GENESIS_HASH
from medley_registry.manifest import FileEntry, Manifest
from medley_registry.registry import Registry
from medley_registry.signing import Signer, check_signature
from medley_registry.strict_json import parse_object

_FILE = "event-log-head.json"


@dataclass(frozen=True, slots=True)
class Seal:
    """The newest event's number and hash, and when it was that."""

    seq: int
    hash: str
    at: datetime


def seal(registry: Registry, signer: Signer) -> str:
    """A seal of the log as it is now: one line of JSON for `read_seal`."""
    with registry.index.read() as reader:
        seq = reader.head()
        newest = reader.events(after=seq - 1, limit=1) if seq else []
    made = Seal(seq, newest[0].hash if newest else GENESIS_HASH, timestamps.now())
    text = {**asdict(made), "at": timestamps.to_text(made.at)}
    return json.dumps(
        {**text, "key_id": signer.key_id, "bundle": json.loads(signer.sign(_manifest(made)))}
    )


def read_seal(text: str, *, public_key: str) -> Seal:
    """Read what `seal` made, if this key signed it.

    Raises:
        SignatureRefused: it is no seal, or not by this key.
    """
    try:
        value = parse_object(text.encode("utf-8", "replace"), what="seal")
        match value:
            case {"seq": int(seq), "hash": str(hash_), "at": str(at), "bundle": dict(bundle)}:
                found = Seal(seq, hash_, timestamps.from_text(at))
            case _:
                raise SignatureRefused("that is no seal of an event log")
    except (AdmissionRefused, ValueError) as error:
        raise SignatureRefused(f"the seal cannot be read: {error}") from error
    check_signature(json.dumps(bundle), _manifest(found), public_key=public_key)
    return found


def _manifest(of: Seal) -> Manifest:
    content = canonical_json({"seq": of.seq, "hash": of.hash, "at": timestamps.to_text(of.at)})
    entry = FileEntry(_FILE, len(content), Digest.of(content), "application/json")
    return Manifest((entry,))

"""The event log: what changed, in order, each entry sealed by the hash of the one before."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medley_registry.canonical import Json, canonical_json
from medley_registry.timestamps import to_text

GENESIS_HASH = "0" * 64


class EventKind(StrEnum):
    BASE_ADDED = "base.added"
    BASE_MOVED = "base.moved"
    VERSION_PUBLISHED = "version.published"
    VERSION_SIGNED = "version.signed"
    VERSION_STATE_CHANGED = "version.state_changed"
    VERSION_DELETED = "version.deleted"
    VARIANT_ADDED = "variant.added"
    EVIDENCE_ADDED = "evidence.added"
    ALIAS_MOVED = "alias.moved"
    ALIAS_PROTECTED = "alias.protected"
    ALIAS_APPROVED = "alias.approved"
    GATE_DECIDED = "gate.decided"
    TRAFFIC_SET = "traffic.set"
    TRAFFIC_HALTED = "traffic.halted"
    CONTENT_REVOKED = "content.revoked"
    KEY_TRUSTED = "key.trusted"
    KEY_DISTRUSTED = "key.distrusted"
    ACCESS_GRANTED = "access.granted"
    ACCESS_REVOKED = "access.revoked"
    BLOBS_COLLECTED = "blobs.collected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change. ``seq`` runs from 1 without a gap; ``hash`` covers all other fields."""

    seq: int
    at: datetime
    kind: EventKind
    subject: str
    actor: str
    payload: dict[str, Json]
    previous_hash: str
    hash: str

    @classmethod
    def following(
        cls,
        previous: "Event | None",
        *,
        at: datetime,
        kind: EventKind,
        subject: str,
        actor: str,
        payload: dict[str, Json],
    ) -> "Event":
        """The event that comes after `previous` (None at the beginning of a log).

        Its hash is sha256(previous hash in hex + canonical JSON of the new event's fields), so
        that no earlier event can be changed, dropped or reordered unnoticed.
        """
        seq = previous.seq + 1 if previous else 1
        previous_hash = previous.hash if previous else GENESIS_HASH
        sealed = canonical_json(
            {
                "seq": seq,
                "at": to_text(at),
                "kind": kind.value,
                "subject": subject,
                "actor": actor,
                "payload": payload,
            }
        )
        return cls(
            seq=seq,
            at=at,
            kind=kind,
            subject=subject,
            actor=actor,
            payload=payload,
            previous_hash=previous_hash,
            hash=hashlib.sha256(previous_hash.encode() + sealed).hexdigest(),
        )

"""What is found wrong with a registry.

The codes are stable: programs compare them, and none is ever renamed. ``subject`` names what is
concerned (a reference, a digest, an event's number, a table), ``detail`` says it in words.

=====================  ==========================================================================
index-damaged          the database's own check of its file failed
index-reference        a row names another that is not there
index-schema           a table, an index, or a trigger that guards final rows is gone or changed
row-unreadable         a row holds what no record of its kind can hold
row-altered            a record is not what its event said it was
row-without-event      no event tells of a record: it was forged, or the log was cut off
event-without-row      an event tells of a record that is not there
event-missing          the log's numbers have a gap
event-altered          an event's hash does not fit what it says
event-unchained        an event does not follow on the one before
event-unreadable       an event does not say what events of its kind say
seal-broken            the log does not hold the event that was sealed: it was cut off or rewritten
version-digest         a version's manifest does not have the version's digest
version-numbers        an adapter's versions are not numbered 1, 2, 3, …
version-state          a version's state does not follow from the log, or by a legal way
version-base           a version, its adapter and its base model do not agree
version-lineage        a parent is not there, has other content, or is younger than its child
variant-wrong          a variant does not fit its version or its base model, or is missing
evidence-wrong         evidence does not have its digest, its number, or the variant it is bound to
signature-wrong        a signature is not over the version's files, or not by its key
key-wrong              a trusted key does not have its own id
alias-without-moves    an alias that no move brought where it is
alias-generations      an alias's moves are not numbered 1, 2, 3, …, or do not join
alias-position         an alias is not where its last move put it
alias-digest           an alias does not have the digest of its version
alias-target           an alias points at what may not be served
policy-revisions       an alias's policies are not numbered 1, 2, 3, …
traffic-revisions      an alias's rules of traffic are not numbered 1, 2, 3, …
approval-wrong         an approval is for other content than its version's
tombstone-wrong        a deleted version without a tombstone, or the reverse
revoked-in-use         revoked content in a version that is not revoked, or under an alias
blob-missing           a blob that a version needs is not in the store
blob-size              a blob does not have its size
blob-content           a blob's bytes do not have its digest
blob-unreadable        a blob cannot be read
=====================  ==========================================================================
"""

from dataclasses import dataclass
from enum import StrEnum

from medley_registry.inert import inert


class Code(StrEnum):
    """What kind of damage; the module says what each means."""

    INDEX_DAMAGED = "index-damaged"
    INDEX_REFERENCE = "index-reference"
    INDEX_SCHEMA = "index-schema"
    ROW_UNREADABLE = "row-unreadable"
    ROW_ALTERED = "row-altered"
    ROW_WITHOUT_EVENT = "row-without-event"
    EVENT_WITHOUT_ROW = "event-without-row"
    EVENT_MISSING = "event-missing"
    EVENT_ALTERED = "event-altered"
    EVENT_UNCHAINED = "event-unchained"
    EVENT_UNREADABLE = "event-unreadable"
    SEAL_BROKEN = "seal-broken"
    VERSION_DIGEST = "version-digest"
    VERSION_NUMBERS = "version-numbers"
    VERSION_STATE = "version-state"
    VERSION_BASE = "version-base"
    VERSION_LINEAGE = "version-lineage"
    VARIANT_WRONG = "variant-wrong"
    EVIDENCE_WRONG = "evidence-wrong"
    SIGNATURE_WRONG = "signature-wrong"
    KEY_WRONG = "key-wrong"
    ALIAS_WITHOUT_MOVES = "alias-without-moves"
    ALIAS_GENERATIONS = "alias-generations"
    ALIAS_POSITION = "alias-position"
    ALIAS_DIGEST = "alias-digest"
    ALIAS_TARGET = "alias-target"
    POLICY_REVISIONS = "policy-revisions"
    TRAFFIC_REVISIONS = "traffic-revisions"
    APPROVAL_WRONG = "approval-wrong"
    TOMBSTONE_WRONG = "tombstone-wrong"
    REVOKED_IN_USE = "revoked-in-use"
    BLOB_MISSING = "blob-missing"
    BLOB_SIZE = "blob-size"
    BLOB_CONTENT = "blob-content"
    BLOB_UNREADABLE = "blob-unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage, in one line of text."""

    code: Code
    subject: str
    detail: str

    def __str__(self) -> str:
        return inert(f"{self.code}: {self.subject}: {self.detail}")

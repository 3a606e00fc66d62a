"""What the coordinator promises about its log: signed tree heads, and receipts for leaves.

A site that keeps its receipts can show that its contribution was taken in, and two sites that
compare tree heads can show that they were told of two different logs.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic.dataclasses import dataclass

from medley_training.errors import BadSignature, LogDamaged
from medley_training.identity.keys import PublicKey, SigningKey
from medley_training.identity.merkle import leaf_hash, verify_consistency, verify_inclusion
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.record import (
    STRICT,
    CountField,
    EnvelopeField,
    HashField,
    MomentField,
    NameField,
    Record,
)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TreeHead(Record):
    """The state of a run's log at a time.

    Attributes:
        run: Whose log it is.
        size: The number of its leaves.
        root: The root over them, 32 bytes.
        at: When it was signed.

    Raises:
        ValueError: A value is outside its range.
    """

    payload_type = "application/vnd.medley.tree-head+json"

    run: NameField
    size: CountField
    root: HashField
    at: MomentField

    @classmethod
    def of(cls, log: MerkleLog, *, run: str, at: datetime) -> "TreeHead":
        """The head of a log as it stands."""
        return cls(run=run, size=log.size, root=log.root(), at=at)

    def check_log(self, log: MerkleLog) -> None:
        """Check that a log still begins with the leaves that this head was signed over.

        Raises:
            LogDamaged: It does not.
        """
        if log.size < self.size:
            raise LogDamaged(f"the log has {log.size} leaves; {self.size} were signed for")
        if log.root(self.size) != self.root:
            raise LogDamaged(f"the log's first {self.size} leaves are not those signed for")


def check_growth(older: TreeHead, newer: TreeHead, proof: Sequence[bytes]) -> None:
    """Check that the newer head's log begins with all the leaves of the older one's.

    Raises:
        LogDamaged: It does not, or the proof (`MerkleLog.consistency_proof`) does not show it.
    """
    if older.run != newer.run:
        raise LogDamaged(f"the tree heads are of two runs, {older.run} and {newer.run}")
    if not verify_consistency(
        proof,
        old_size=older.size,
        old_root=older.root,
        new_size=newer.size,
        new_root=newer.root,
    ):
        raise LogDamaged(
            f"the log of {newer.size} leaves was not shown to begin as that of {older.size}"
        )


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Receipt(Record):
    """The coordinator's promise that a leaf is in its log; `check_receipt` says if it is kept.

    Attributes:
        index: The leaf's index.
        proof: `MerkleLog.inclusion_proof` at the head's size.
        head: The signed `TreeHead`.

    Raises:
        ValueError: A value is outside its range.
    """

    payload_type = "application/vnd.medley.receipt+json"

    index: CountField
    proof: tuple[HashField, ...]
    head: EnvelopeField

    @classmethod
    def of(cls, log: MerkleLog, index: int, *, head: TreeHead, key: SigningKey) -> "Receipt":
        """The receipt for a leaf of a log, under one of its heads."""
        proof = log.inclusion_proof(index, head.size)
        return cls(index=index, proof=proof, head=head.seal(key))


def check_receipt(receipt: Receipt, leaf: bytes, *, run: str, coordinator: PublicKey) -> TreeHead:
    """Check that the coordinator has signed for this leaf in the log of this run.

    Returns:
        The head that was signed, to be kept: a later one must have grown from it (`check_growth`).

    Raises:
        BadSignature: The coordinator did not sign the head, or for another run.
        LogDamaged: The leaf is not shown to be in the tree.
    """
    head = TreeHead.open(receipt.head, [coordinator])
    if head.run != run:
        raise BadSignature(f"the tree head is of the run {head.run}, not {run}")
    if not verify_inclusion(
        leaf_hash(leaf), receipt.proof, index=receipt.index, size=head.size, root=head.root
    ):
        raise LogDamaged(f"the leaf was not shown to be in the log of {head.size} leaves")
    return head

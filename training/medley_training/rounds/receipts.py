"""What a site gets back for its contribution, checks, and keeps: proof that it was counted.

A coordinator that drops a contribution, counts another in its place, or shows two sites two
histories cannot produce receipts that pass here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medley_registry.digest import Digest
from pydantic.dataclasses import dataclass

from medley_training.errors import BadSignature, LogDamaged
from medley_training.identity.keys import PublicKey
from medley_training.identity.record import STRICT, EnvelopeField, HashField, Record
from medley_training.identity.round_statement import RoundStatement
from medley_training.identity.tree_head import Receipt, TreeHead, check_growth, check_receipt
from medley_training.rounds.answers import AnswerFolder
from medley_training.rounds.run_folder import read_json, write_json


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Acknowledgement(Record):
    """What the coordinator sends to each site that was counted, at the end of a round.

    Attributes:
        receipt: That the site's statement is in the log.
        growth: For the size of each earlier tree head, the proof that the log grew from it.
        round_statement: The signed statement of the round.
    """

    payload_type = "application/vnd.medley.acknowledgement+json"

    receipt: Receipt
    growth: dict[str, tuple[HashField, ...]]
    round_statement: EnvelopeField


class ReceiptBook:
    """A site's receipts, and the last tree head that it was shown.

    Args:
        path: Where they are kept.
        coordinator: Who must have signed them.
        answers: The site's own statements, which they must be for.
    """

    def __init__(self, path: Path, coordinator: PublicKey, answers: AnswerFolder) -> None:
        self._path = path
        self._coordinator = coordinator
        self._answers = answers

    def take(self, body: str, participant: str) -> str:
        """Check an acknowledgement and keep it; the answer names the round.

        Raises:
            BadSignature: It is not by the coordinator, or is for something else.
            LogDamaged: The log does not hold this site's statement, or did not grow from what
                the site was shown before.
        """
        got = _parsed(body)
        statement = RoundStatement.open(got.round_statement, [self._coordinator])
        leaf = self._counted(statement, participant)
        head = check_receipt(got.receipt, leaf, run=statement.run, coordinator=self._coordinator)
        self._check_leaf(statement, participant, got.receipt)
        self._check_growth(head, got.growth)
        write_json(self._path / statement.run / f"{statement.round:04d}.json", got.to_json())
        write_json(self._head(statement.run), got.receipt.to_json())
        return json.dumps({"round": statement.round, "tree_size": head.size})

    def _counted(self, statement: RoundStatement, participant: str) -> bytes:
        """The one of this site's own statements that the round counts."""
        mine = [found.statement for found in statement.inputs if found.participant == participant]
        for own in self._answers.statements(statement.run, statement.round):
            if mine == [Digest.of(own)]:
                return own
        raise BadSignature(f"round {statement.round} does not count this site's statement")

    def _check_leaf(self, statement: RoundStatement, participant: str, receipt: Receipt) -> None:
        leaves = [found.leaf for found in statement.inputs if found.participant == participant]
        if leaves != [receipt.index]:
            raise BadSignature(f"round {statement.round} names another leaf than the receipt")

    def _check_growth(self, head: TreeHead, growth: Mapping[str, Sequence[bytes]]) -> None:
        if not self._head(head.run).exists():
            return
        kept = Receipt.from_json(read_json(self._head(head.run)))
        older = TreeHead.open(kept.head, [self._coordinator])
        if older.size > head.size:
            raise LogDamaged(f"the log shrank from {older.size} leaves to {head.size}")
        proof = () if older.size == head.size else growth.get(str(older.size))
        if proof is None:
            raise LogDamaged(f"no proof that the log grew from {older.size} leaves")
        check_growth(older, head, proof)

    def _head(self, run: str) -> Path:
        return self._path / run / "head.json"


def _parsed(body: str) -> Acknowledgement:
    try:
        value: Any = json.loads(body)
    except ValueError as error:
        raise BadSignature(f"the acknowledgement is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadSignature("the acknowledgement is no JSON object")
    return Acknowledgement.from_json(value)

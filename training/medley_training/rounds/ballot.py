"""What is counted in a round, and how much: decided once, written down, and read back to verify."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from medley_registry.digest import Digest
from medley_registry.errors import InvalidReference

from medley_training.compression.contribution_file import ContributionFile
from medley_training.errors import RunDamaged
from medley_training.factors import AdapterFile, TensorAdapter
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import PublicKey
from medley_training.identity.round_statement import Input
from medley_training.identity.statement import Statement
from medley_training.identity.tree_head import TreeHead
from medley_training.local.lora import LoraShape
from medley_training.rounds.configuring import start_file
from medley_training.rounds.run_folder import Phase, RoundFolder, read_json
from medley_training.strategies.base import Vote
from medley_training.strategies.weighting import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One contribution of a round that is counted.

    Attributes:
        update: SHA-256 of its file.
        statement: SHA-256 of the signed envelope.
        leaf: Where that envelope is in the Merkle log.
        weight: Its share among the votes.
        key_id: Who signed it.
        utility: What it alone gained on the coordinator's data; None where nobody looked.
    """

    participant: str
    update: Digest
    statement: Digest
    leaf: int
    weight: float
    key_id: str
    utility: float | None = None

    @property
    def input(self) -> Input:
        """The same, as the round's statement lists it."""
        return Input(
            participant=self.participant,
            update=self.update,
            statement=self.statement,
            leaf=self.leaf,
            weight=self.weight,
        )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads back."""
        return {
            "participant": self.participant,
            "update": str(self.update),
            "statement": str(self.statement),
            "leaf": self.leaf,
            "weight": self.weight,
            "key_id": self.key_id,
            "utility": self.utility,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Counted":
        """Read what `to_json` wrote."""
        digests = {name: Digest.parse(value[name]) for name in ("update", "statement")}
        return cls(**{**value, **digests})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """A closed round.

    Attributes:
        counted: By the participants' names.
        refused: Participant → reason.
        tree_size: The Merkle log's leaves after the round.
        root: SHA-256 of what the coordinator trained itself, where the strategy asks for it.
    """

    counted: tuple[Counted, ...]
    refused: Mapping[str, str]
    tree_size: int
    root: Digest | None = None

    def to_json(self) -> dict[str, Any]:
        """What `read_ballot` reads back."""
        return {
            "counted": [counted.to_json() for counted in self.counted],
            "refused": dict(self.refused),
            "tree_size": self.tree_size,
            "root": str(self.root) if self.root else None,
        }


def read_ballot(folder: RoundFolder) -> Ballot:
    """The ballot of a closed round.

    Raises:
        RunDamaged: It is missing or damaged.
    """
    path = folder.marker(Phase.CLOSED)
    value = read_json(path)
    try:
        return Ballot(
            counted=tuple(Counted.from_json(counted) for counted in value["counted"]),
            refused=dict(value["refused"]),
            tree_size=int(value["tree_size"]),
            root=Digest.parse(value["root"]) if value["root"] else None,
        )
    except (KeyError, TypeError, ValueError, InvalidReference) as error:
        raise RunDamaged(f"{path} is no ballot: {error}") from error


def read_tree_head(folder: RoundFolder, keys: Iterable[PublicKey]) -> TreeHead:
    """The log's head as it was signed when the round was closed.

    Raises:
        RunDamaged: It is missing.
        BadSignature: None of these keys signed it.
    """
    try:
        text = folder.tree_head.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RunDamaged(f"the tree head of round {folder.number} is missing: {error}") from error
    return TreeHead.open(Envelope.from_json(text), keys)


def read_statement(folder: RoundFolder, site: str) -> Statement:
    """What a site signed, without looking at who signed it: that was done when it came in."""
    text = folder.statement(site).read_text(encoding="utf-8")
    payload = Envelope.from_json(text).payload
    return Statement.from_json(json.loads(payload))


def report_of(statement: Statement, utility: float | None) -> Report:
    """What a contribution is weighed by."""
    losses = statement.losses
    return Report(
        participant=statement.participant,
        num_examples=statement.sample_bucket,
        loss_first=losses.first if losses else None,
        loss_last=losses.last if losses else None,
        utility=utility,
    )


def open_start(folder: RoundFolder, shape: LoraShape) -> TensorAdapter:
    """The start of sites of this shape, in memory, as many contributions are read against it."""
    lazy = AdapterFile(start_file(folder, shape.rank), shape)
    return TensorAdapter({module: lazy.factors(module) for module in lazy.modules})


def open_votes(folder: RoundFolder, ballot: Ballot) -> tuple[Vote, ...]:
    """The ballot's contributions as votes; tensors are read when they are asked for."""
    starts: dict[int, TensorAdapter] = {}
    votes = []
    for counted in ballot.counted:
        statement = read_statement(folder, counted.participant)
        shape = statement.shape
        start = starts.setdefault(shape.rank, open_start(folder, shape))
        path = folder.contribution(counted.participant)
        votes.append(
            Vote(
                participant=counted.participant,
                adapter=ContributionFile(path, start, shape, statement.codec),
                weight=counted.weight,
                loss=statement.losses.of_start if statement.losses else None,
            )
        )
    return tuple(votes)

"""Keys, tasks and statements to try things on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from medley_registry.digest import Digest
from medley_training.identity.keys import SigningKey
from medley_training.identity.participants import ParticipantBook
from medley_training.identity.statement import Losses, Statement
from medley_training.identity.task import Task
from medley_training.local.lora import LoraShape

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = b"the start adapter's file"
UPDATE = b"the contribution's file, which is no safetensors at all"


def make_key(number: int) -> SigningKey:
    """Always the same key for a number."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


NORTH, SOUTH, COORDINATOR, STRANGER = map(make_key, range(1, 5))


def make_task(**changes: Any) -> Task:
    task = Task(
        run="smoke-7",
        round=2,
        participant="north",
        nonce="0f" * 16,
        start=Digest.of(START),
        base=Digest.of(b"base"),
        quantization="nf4",
        shape=LoraShape(rank=4, alpha=8),
        trains=("A", "B"),
        plan={"epochs": 1, "learning_rate": 1e-3},
        codec="none",
        privacy={"mechanism": "dp_sgd", "clip": 1.0, "noise_multiplier": 0.8, "delta": 1e-5},
        seed=7,
        max_examples=100,
    )
    return replace(task, **changes)


def make_statement(task: Task, update: bytes = UPDATE, **changes: Any) -> Statement:
    losses = Losses(first=2.5, last=1.25)
    statement = Statement.answering(
        task, update, num_examples=57, losses=losses, spent={"epsilon": 1.5}
    )
    return replace(statement, **changes)


def make_book(folder: Path) -> ParticipantBook:
    """A book with north and south in it, since an hour before noon."""
    book = ParticipantBook(folder / "participants.json")
    book.register("north", NORTH.public, valid_from=NOON - HOUR)
    book.register("south", SOUTH.public, valid_from=NOON - HOUR)
    return book

"""What was taken back: revoked contents and deleted versions. Neither is ever undone."""

from dataclasses import dataclass
from datetime import datetime

from medley_registry.digest import Digest


@dataclass(frozen=True, slots=True)
class Revocation:
    """Content that must not be served again, under whatever name it comes.

    ``weights`` is the content of its weights' file: that does not come back with another
    configuration or README either.
    """

    digest: Digest
    reason: str
    actor: str
    at: datetime
    weights: Digest | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted version: its number is never given again, its content not taken in again."""

    adapter: str
    number: int
    digest: Digest
    reason: str
    actor: str
    at: datetime

"""Versions, their files, and what becomes of them."""

from typing import Annotated, Any, Literal

from medley_registry import Digest, Lineage, VersionState
from pydantic import AliasPath, BeforeValidator, Field

from medley_server.schemas.aliases import AliasRecord
from medley_server.schemas.fields import At, Body, Record, Text


def _hex(digest: object) -> object:
    return digest.hex if isinstance(digest, Digest) else digest


def _lineage(lineage: object) -> object:
    return lineage.to_json() if isinstance(lineage, Lineage) else lineage


class FileRecord(Record):
    path: str
    size: int
    sha256: Annotated[str, BeforeValidator(_hex)]
    media_type: str


class VersionRecord(Record):
    """A version; ``aliases`` are those that point at it."""

    reference: str
    adapter: str
    number: int
    digest: Text
    base: str
    base_id: Text
    rank: int
    alpha: float
    target_modules: list[str]
    size_bytes: int
    round: int | None
    state: VersionState
    note: str
    published_by: str
    created_at: At
    aliases: list[str] = Field(default_factory=list)
    files: list[FileRecord] = Field(validation_alias=AliasPath("manifest", "files"))
    lineage: Annotated[dict[str, Any], BeforeValidator(_lineage)]


class VersionPage(Record):
    """Newest first; ``before`` asks for the next page, and is null on the last."""

    versions: list[VersionRecord]
    before: int | None


class StateChange(Body):
    """A state that a version is to have; ``validated`` checks its bytes and signature first."""

    state: Literal["validated", "admitted", "deprecated", "quarantined"]
    reason: str = ""


class Withdrawal(Body):
    """Why content is revoked, or a version deleted."""

    reason: str = Field(min_length=1)


class RevocationRecord(Record):
    """Content taken back, and where the aliases stand that had to move."""

    digest: Text
    reason: str
    moved: list[AliasRecord]


class TombstoneRecord(Record):
    adapter: str
    number: int
    digest: Text
    reason: str
    actor: str
    at: At


class SignatureRecord(Record):
    adapter: str
    number: int
    key_id: str
    bundle: str
    by: str
    at: At


class SignatureList(Record):
    signatures: list[SignatureRecord]

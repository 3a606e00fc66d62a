"""The tables, in SQLAlchemy Core: nothing here belongs to one database product.

One table per kind of record, whose columns are the record's fields, and the event log.
"""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from medley_registry.adapters import Adapter, Version, VersionState
from medley_registry.aliases import Alias, AliasMove, MoveReason
from medley_registry.backends.columns import (
    DIGEST,
    INTEGER,
    ITEMS,
    JSON,
    LINEAGE,
    MANIFEST,
    NAMES,
    PATH,
    POLICY,
    SHAPES,
    TEXT,
    TIME,
    TRAFFIC,
    choice,
)
from medley_registry.bases import BaseModel
from medley_registry.decisions import Decision, Outcome
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.item_scores import ItemScores
from medley_registry.keys import AccessKey, Signature, TrustedKey
from medley_registry.kinds import KINDS
from medley_registry.leases import Lease, Upload
from medley_registry.policies import Approval, Protection
from medley_registry.traffic import TrafficRule
from medley_registry.variants import Variant, VariantKind
from medley_registry.withdrawals import Revocation, Tombstone

SCHEMA_VERSION = "0004"
"""The newest revision in `medley_registry.backends.migrations`."""

# Every constraint has a name, because a migration can only change what it can name.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _to_version() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["adapter", "number"], ["version.adapter", "version.number"])


def _table(name: str, kind: type[Any], *items: Any) -> Table:
    """A table whose primary key is the kind's."""
    for item in items:
        if isinstance(item, Column):
            item.primary_key = item.name in KINDS[kind].key
            item.autoincrement = False
            item.nullable = item.nullable and not item.primary_key
    return Table(name, metadata, *items)


def _required(name: str, of: Any, *more: Any) -> Column[Any]:
    return Column(name, of, *more, nullable=False)


TABLES: dict[type[Any], Table] = {
    BaseModel: _table(
        "base",
        BaseModel,
        _required("name", TEXT),
        _required("path", PATH),
        _required("architecture", TEXT),
        _required("module_shapes", SHAPES),
        _required("weights_digest", DIGEST),
        _required("config_digest", DIGEST),
        _required("tokenizer_digest", DIGEST),
        Column("chat_template_digest", DIGEST),
        _required("created_at", TIME),
        Column("derived_from", DIGEST),
        Column("recipe", JSON),
    ),
    Adapter: _table(
        "adapter",
        Adapter,
        _required("name", TEXT),
        _required("base", TEXT, ForeignKey("base.name")),
        _required("base_id", DIGEST),
        _required("created_at", TIME),
    ),
    Version: _table(
        "version",
        Version,
        _required("adapter", TEXT, ForeignKey("adapter.name")),
        _required("number", INTEGER),
        _required("digest", DIGEST),
        _required("base", TEXT),
        _required("base_id", DIGEST),
        _required("rank", INTEGER),
        _required("alpha", Double),
        _required("target_modules", NAMES),
        Column("round", INTEGER),
        _required("state", choice(VersionState)),
        _required("note", TEXT),
        _required("published_by", TEXT),
        _required("created_at", TIME),
        _required("manifest", MANIFEST),
        _required("lineage", LINEAGE),
        UniqueConstraint("adapter", "digest"),
        Index("ix_version_digest", "digest"),
        CheckConstraint("number > 0", name="number"),
    ),
    Variant: _table(
        "variant",
        Variant,
        _required("adapter", TEXT),
        _required("number", INTEGER),
        _required("kind", choice(VariantKind)),
        _required("version_digest", DIGEST),
        _required("base", TEXT, ForeignKey("base.name")),
        _required("base_id", DIGEST),
        _required("recipe", JSON),
        _required("made_by", TEXT),
        _required("created_at", TIME),
        _to_version(),
    ),
    Evidence: _table(
        "evidence",
        Evidence,
        _required("digest", DIGEST),
        _required("adapter", TEXT),
        _required("number", INTEGER),
        _required("variant", choice(VariantKind)),
        _required("variant_digest", DIGEST),
        _required("kind", choice(EvidenceKind)),
        _required("suite", TEXT),
        _required("suite_digest", DIGEST),
        _required("environment", JSON),
        _required("metrics", JSON),
        _required("actor", TEXT),
        _required("at", TIME),
        _required("ordinal", INTEGER),
        ForeignKeyConstraint(
            ["adapter", "number", "variant"], ["variant.adapter", "variant.number", "variant.kind"]
        ),
    ),
    ItemScores: _table(
        "item_scores",
        ItemScores,
        _required("adapter", TEXT),
        _required("number", INTEGER),
        _required("ordinal", INTEGER),
        _required("items", ITEMS),
        ForeignKeyConstraint(
            ["adapter", "number", "ordinal"],
            ["evidence.adapter", "evidence.number", "evidence.ordinal"],
        ),
    ),
    TrustedKey: _table(
        "trusted_key",
        TrustedKey,
        _required("key_id", TEXT),
        _required("name", TEXT),
        _required("public_key", TEXT),
        _required("valid_from", TIME),
        Column("valid_until", TIME),
        _required("added_by", TEXT),
        Column("distrusted_at", TIME),
    ),
    Signature: _table(
        "signature",
        Signature,
        _required("adapter", TEXT),
        _required("number", INTEGER),
        _required("key_id", TEXT, ForeignKey("trusted_key.key_id")),
        _required("bundle", TEXT),
        _required("by", TEXT),
        _required("at", TIME),
        _to_version(),
    ),
    Alias: _table(
        "alias",
        Alias,
        _required("adapter", TEXT),
        _required("name", TEXT),
        _required("number", INTEGER),
        _required("digest", DIGEST),
        _required("generation", INTEGER),
        _required("updated_at", TIME),
        _to_version(),
    ),
    AliasMove: _table(
        "alias_move",
        AliasMove,
        _required("adapter", TEXT),
        _required("alias", TEXT),
        _required("generation", INTEGER),
        Column("from_number", INTEGER),
        _required("to_number", INTEGER),
        _required("actor", TEXT),
        _required("reason", choice(MoveReason)),
        _required("at", TIME),
        ForeignKeyConstraint(["adapter", "to_number"], ["version.adapter", "version.number"]),
    ),
    Protection: _table(
        "protection",
        Protection,
        _required("adapter", TEXT, ForeignKey("adapter.name")),
        _required("alias", TEXT),
        _required("revision", INTEGER),
        _required("policy", POLICY),
        _required("actor", TEXT),
        _required("at", TIME),
    ),
    Approval: _table(
        "approval",
        Approval,
        _required("adapter", TEXT),
        _required("alias", TEXT),
        _required("generation", INTEGER),
        _required("number", INTEGER),
        _required("actor", TEXT),
        _required("digest", DIGEST),
        _required("at", TIME),
        _required("revision", INTEGER),
        _to_version(),
    ),
    Decision: _table(
        "decision",
        Decision,
        _required("adapter", TEXT),
        _required("alias", TEXT),
        _required("generation", INTEGER),
        _required("ordinal", INTEGER),
        _required("number", INTEGER),
        _required("digest", DIGEST),
        _required("revision", INTEGER),
        _required("outcome", choice(Outcome)),
        _required("report", JSON),
        _required("actor", TEXT),
        _required("at", TIME),
        _to_version(),
    ),
    TrafficRule: _table(
        "traffic_rule",
        TrafficRule,
        _required("adapter", TEXT),
        _required("alias", TEXT),
        _required("revision", INTEGER),
        _required("generation", INTEGER),
        _required("traffic", TRAFFIC),
        _required("halted", TEXT),
        _required("actor", TEXT),
        _required("at", TIME),
        ForeignKeyConstraint(["adapter", "alias"], ["alias.adapter", "alias.name"]),
    ),
    AccessKey: _table(
        "access_key",
        AccessKey,
        _required("key_id", TEXT),
        _required("name", TEXT),
        _required("secret_hash", TEXT),
        _required("scopes", NAMES),
        _required("created_by", TEXT),
        _required("created_at", TIME),
        Column("expires_at", TIME),
        Column("revoked_at", TIME),
    ),
    Revocation: _table(
        "revocation",
        Revocation,
        _required("digest", DIGEST),
        _required("reason", TEXT),
        _required("actor", TEXT),
        _required("at", TIME),
        Column("weights", DIGEST),
    ),
    Tombstone: _table(
        "tombstone",
        Tombstone,
        _required("adapter", TEXT),
        _required("number", INTEGER),
        _required("digest", DIGEST),
        _required("reason", TEXT),
        _required("actor", TEXT),
        _required("at", TIME),
        _to_version(),
    ),
    Lease: _table(
        "lease",
        Lease,
        _required("holder", TEXT),
        _required("digest", DIGEST),
        _required("expires_at", TIME),
    ),
    Upload: _table(
        "upload",
        Upload,
        _required("id", TEXT),
        _required("digest", DIGEST),
        _required("expires_at", TIME),
    ),
}

event = Table(
    "event",
    metadata,
    Column("seq", INTEGER, primary_key=True, autoincrement=False),
    _required("at", TIME),
    _required("kind", TEXT),
    _required("subject", TEXT),
    _required("actor", TEXT),
    _required("payload", JSON),
    _required("previous_hash", TEXT),
    _required("hash", TEXT),
)

# The table in which Alembic keeps the schema's revision, just as it would make it itself, so that
# reading and making it needs no Alembic.
schema_version = Table(
    "alembic_version",
    metadata,
    _required("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

FINAL: dict[Table, frozenset[str]] = {
    **{TABLES[kind]: rules.changeable for kind, rules in KINDS.items()},
    event: frozenset(),
}
"""The tables whose rows are final, each with the columns that may change all the same."""

PASSING = frozenset(TABLES[kind] for kind, rules in KINDS.items() if rules.is_passing)
"""The tables whose rows may be deleted."""

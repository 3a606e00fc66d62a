"""The tables, in SQLAlchemy Core: nothing here belongs to one database product."""

import json
from datetime import datetime
from typing import cast

from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from medley_registry import timestamps
from medley_registry.canonical import Json, canonical_json

SCHEMA_VERSION = 1

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


class Timestamp(TypeDecorator[datetime]):
    """UTC as text: the same form on every database, and the one that event hashes cover."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else timestamps.to_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else timestamps.from_text(value)


class CanonicalJson(TypeDecorator[Json]):
    """Canonical JSON as text, so that what was hashed is what is stored."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: Dialect) -> str:
        return canonical_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Json:
        return None if value is None else cast("Json", json.loads(value))


_HEX = String(64)

schema_version = Table("schema_version", metadata, Column("number", Integer, primary_key=True))

base = Table(
    "base",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("base_id", _HEX, nullable=False),
    Column("path", Text, nullable=False),
    Column("architecture", Text, nullable=False),
    Column("module_shapes", CanonicalJson, nullable=False),
    Column("weights_digest", _HEX, nullable=False),
    Column("config_digest", _HEX, nullable=False),
    Column("tokenizer_digest", _HEX, nullable=False),
    Column("chat_template_digest", _HEX),
    Column("created_at", Timestamp, nullable=False),
)

adapter = Table(
    "adapter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("base", ForeignKey(base.c.name), nullable=False),
    Column("base_id", _HEX, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

version = Table(
    "version",
    metadata,
    Column("adapter_id", ForeignKey(adapter.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", _HEX, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("target_modules", CanonicalJson, nullable=False),
    Column("round", Integer),
    Column("state", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    UniqueConstraint("adapter_id", "digest"),
    CheckConstraint("number > 0", name="number"),
)

alias = Table(
    "alias",
    metadata,
    Column("adapter_id", Integer, primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    ForeignKeyConstraint(["adapter_id", "number"], ["version.adapter_id", "version.number"]),
)

alias_move = Table(
    "alias_move",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("adapter_id", Integer, nullable=False),
    Column("alias", String(63), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("from_number", Integer),
    Column("to_number", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("at", Timestamp, nullable=False),
    UniqueConstraint("adapter_id", "alias", "generation"),
    ForeignKeyConstraint(["adapter_id", "to_number"], ["version.adapter_id", "version.number"]),
)

event = Table(
    "event",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Timestamp, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("payload", CanonicalJson, nullable=False),
    Column("previous_hash", _HEX, nullable=False),
    Column("hash", _HEX, nullable=False),
)

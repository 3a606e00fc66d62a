"""The system of record: states, variants, evidence, trust, protection, withdrawals, leases.

Adapters are found by name instead of a number of their own. Only SQLite ever had revision 0001, so
this one speaks SQLite: the tables are written out as they were made at the time, and must not
follow later changes of `medley_registry.backends.tables`.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from medley_registry.errors import IndexDamaged

revision = "0002"
down_revision = "0001"

_OLD = ("event", "alias_move", "alias", "version", "adapter", "base")


def upgrade() -> None:
    """Set the old tables aside, make the new ones, copy, and drop the old."""
    for table in _OLD:
        op.execute(f'ALTER TABLE "{table}" RENAME TO "old_{table}"')
    for statement in _TABLES.split(";"):
        if statement.strip():
            op.execute(statement)
    for statement in _COPY:
        op.execute(statement)
    for table in _OLD:
        _check_complete(table)
        op.execute(f'DROP TABLE "old_{table}"')
    op.execute("DROP TABLE schema_version")


def _check_complete(table: str) -> None:
    old, new = (
        op.get_bind().execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one()
        for name in (f"old_{table}", table)
    )
    if old != new:
        raise IndexDamaged(f"of {old} rows in {table}, {old - new} name others that are not there")


_COPY = (
    """
    INSERT INTO base SELECT name, path, architecture, module_shapes, weights_digest, config_digest,
        tokenizer_digest, chat_template_digest, created_at, NULL, NULL FROM old_base
    """,
    "INSERT INTO adapter SELECT name, base, base_id, created_at FROM old_adapter",
    """
    INSERT INTO version SELECT a.name, v.number, v.digest, a.base, a.base_id, v.rank, v.alpha,
        v.target_modules, v.round, v.state, v.note, v.published_by, v.created_at, v.manifest, ''
        FROM old_version v JOIN old_adapter a ON a.id = v.adapter_id
    """,
    """
    INSERT INTO variant SELECT adapter, number, 'bf16', digest, base, base_id, '{}', published_by,
        created_at FROM version
    """,
    """
    INSERT INTO alias SELECT v.adapter, o.name, o.number, v.digest, o.generation, o.updated_at
        FROM old_alias o JOIN old_adapter a ON a.id = o.adapter_id
        JOIN version v ON v.adapter = a.name AND v.number = o.number
    """,
    """
    INSERT INTO alias_move SELECT a.name, m.alias, m.generation, m.from_number, m.to_number,
        m.actor, m.reason, m.at FROM old_alias_move m JOIN old_adapter a ON a.id = m.adapter_id
    """,
    """
    INSERT INTO event SELECT seq, "at", kind, subject, actor, payload, previous_hash, hash
        FROM old_event
    """,
)

_TABLES = """
CREATE TABLE access_key (
    key_id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    CONSTRAINT pk_access_key PRIMARY KEY (key_id)
);

CREATE TABLE base (
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    architecture TEXT NOT NULL,
    module_shapes TEXT NOT NULL,
    weights_digest TEXT NOT NULL,
    config_digest TEXT NOT NULL,
    tokenizer_digest TEXT NOT NULL,
    chat_template_digest TEXT,
    created_at TEXT NOT NULL,
    derived_from TEXT,
    recipe TEXT,
    CONSTRAINT pk_base PRIMARY KEY (name)
);

CREATE TABLE event (
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL,
    payload TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (seq)
);

CREATE TABLE lease (
    holder TEXT NOT NULL,
    digest TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    CONSTRAINT pk_lease PRIMARY KEY (holder, digest)
);

CREATE TABLE revocation (
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    weights TEXT,
    CONSTRAINT pk_revocation PRIMARY KEY (digest)
);

CREATE TABLE trusted_key (
    key_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_until TEXT,
    added_by TEXT NOT NULL,
    distrusted_at TEXT,
    CONSTRAINT pk_trusted_key PRIMARY KEY (key_id)
);

CREATE TABLE upload (
    id TEXT NOT NULL,
    digest TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    CONSTRAINT pk_upload PRIMARY KEY (id, digest)
);

CREATE TABLE adapter (
    name TEXT NOT NULL,
    base TEXT NOT NULL,
    base_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    CONSTRAINT pk_adapter PRIMARY KEY (name),
    CONSTRAINT fk_adapter_base_base FOREIGN KEY(base) REFERENCES base (name)
);

CREATE TABLE protection (
    adapter TEXT NOT NULL,
    alias TEXT NOT NULL,
    revision INTEGER NOT NULL,
    policy TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    CONSTRAINT pk_protection PRIMARY KEY (adapter, alias, revision),
    CONSTRAINT fk_protection_adapter_adapter FOREIGN KEY(adapter)
        REFERENCES adapter (name)
);

CREATE TABLE version (
    adapter TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    base TEXT NOT NULL,
    base_id TEXT NOT NULL,
    rank INTEGER NOT NULL,
    alpha DOUBLE NOT NULL,
    target_modules TEXT NOT NULL,
    round INTEGER,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    published_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    manifest TEXT NOT NULL,
    lineage TEXT NOT NULL,
    CONSTRAINT pk_version PRIMARY KEY (adapter, number),
    CONSTRAINT uq_version_adapter_digest UNIQUE (adapter, digest),
    CONSTRAINT ck_version_number CHECK (number > 0),
    CONSTRAINT fk_version_adapter_adapter FOREIGN KEY(adapter)
        REFERENCES adapter (name)
);

CREATE INDEX ix_version_digest ON version (digest);

CREATE TABLE alias (
    adapter TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    generation INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    CONSTRAINT pk_alias PRIMARY KEY (adapter, name),
    CONSTRAINT fk_alias_adapter_number_version FOREIGN KEY(adapter, number)
        REFERENCES version (adapter, number)
);

CREATE TABLE alias_move (
    adapter TEXT NOT NULL,
    alias TEXT NOT NULL,
    generation INTEGER NOT NULL,
    from_number INTEGER,
    to_number INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    CONSTRAINT pk_alias_move PRIMARY KEY (adapter, alias, generation),
    CONSTRAINT fk_alias_move_adapter_to_number_version FOREIGN KEY(adapter, to_number)
        REFERENCES version (adapter, number)
);

CREATE TABLE approval (
    adapter TEXT NOT NULL,
    alias TEXT NOT NULL,
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    actor TEXT NOT NULL,
    digest TEXT NOT NULL,
    at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    CONSTRAINT pk_approval PRIMARY KEY (adapter, alias, generation, number, actor, revision),
    CONSTRAINT fk_approval_adapter_number_version FOREIGN KEY(adapter, number)
        REFERENCES version (adapter, number)
);

CREATE TABLE signature (
    adapter TEXT NOT NULL,
    number INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    bundle TEXT NOT NULL,
    "by" TEXT NOT NULL,
    at TEXT NOT NULL,
    CONSTRAINT pk_signature PRIMARY KEY (adapter, number, key_id),
    CONSTRAINT fk_signature_adapter_number_version FOREIGN KEY(adapter, number)
        REFERENCES version (adapter, number),
    CONSTRAINT fk_signature_key_id_trusted_key FOREIGN KEY(key_id)
        REFERENCES trusted_key (key_id)
);

CREATE TABLE tombstone (
    adapter TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    CONSTRAINT pk_tombstone PRIMARY KEY (adapter, number),
    CONSTRAINT fk_tombstone_adapter_number_version FOREIGN KEY(adapter, number)
        REFERENCES version (adapter, number)
);

CREATE TABLE variant (
    adapter TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    version_digest TEXT NOT NULL,
    base TEXT NOT NULL,
    base_id TEXT NOT NULL,
    recipe TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    CONSTRAINT pk_variant PRIMARY KEY (adapter, number, kind),
    CONSTRAINT fk_variant_adapter_number_version FOREIGN KEY(adapter, number)
        REFERENCES version (adapter, number),
    CONSTRAINT fk_variant_base_base FOREIGN KEY(base) REFERENCES base (name)
);

CREATE TABLE evidence (
    digest TEXT NOT NULL,
    adapter TEXT NOT NULL,
    number INTEGER NOT NULL,
    variant TEXT NOT NULL,
    variant_digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    suite TEXT NOT NULL,
    suite_digest TEXT NOT NULL,
    environment TEXT NOT NULL,
    metrics TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    CONSTRAINT pk_evidence PRIMARY KEY (adapter, number, ordinal),
    CONSTRAINT fk_evidence_adapter_number_variant_variant FOREIGN KEY(adapter, number, variant)
        REFERENCES variant (adapter, number, kind)
);
"""

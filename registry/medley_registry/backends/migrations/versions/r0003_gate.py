"""The gate: what each item contributed to an evaluation, and decisions.

Two new tables; nothing that is there changes. Both databases have had revision 0002, so this one
speaks through SQLAlchemy, with the types as they were at the time.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_VERSION = (("adapter", "number"), ("version.adapter", "version.number"))
_DECISION = "adapter alias generation ordinal number digest revision outcome report actor at"
_EVIDENCE = (
    ("adapter", "number", "ordinal"),
    ("evidence.adapter", "evidence.number", "evidence.ordinal"),
)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "item_scores",
        *_columns("adapter number ordinal items"),
        sa.PrimaryKeyConstraint("adapter", "number", "ordinal", name="pk_item_scores"),
        sa.ForeignKeyConstraint(*_EVIDENCE, name="fk_item_scores_adapter_number_ordinal_evidence"),
    )
    op.create_table(
        "decision",
        *_columns(_DECISION),
        sa.PrimaryKeyConstraint("adapter", "alias", "generation", "ordinal", name="pk_decision"),
        sa.ForeignKeyConstraint(*_VERSION, name="fk_decision_adapter_number_version"),
    )


def _columns(names: str) -> list[sa.Column[object]]:
    counts = {"number", "ordinal", "generation", "revision"}
    return [
        sa.Column(name, _INTEGER if name in counts else _TEXT, nullable=False)
        for name in names.split()
    ]

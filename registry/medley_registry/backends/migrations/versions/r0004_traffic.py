"""Traffic: the rules by which aliases share their requests out.

One new table; nothing that is there changes.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COLUMNS = ("adapter", "alias", "revision", "generation", "traffic", "halted", "actor", "at")
_COUNTS = frozenset({"revision", "generation"})
_ALIAS = (("adapter", "alias"), ("alias.adapter", "alias.name"))


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "traffic_rule",
        *(_column(name) for name in _COLUMNS),
        sa.PrimaryKeyConstraint("adapter", "alias", "revision", name="pk_traffic_rule"),
        sa.ForeignKeyConstraint(*_ALIAS, name="fk_traffic_rule_adapter_alias_alias"),
    )


def _column(name: str) -> sa.Column[object]:
    return sa.Column(name, _INTEGER if name in _COUNTS else _TEXT, nullable=False)

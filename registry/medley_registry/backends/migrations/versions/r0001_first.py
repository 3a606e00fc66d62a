"""The first release's schema; it was made without Alembic, on SQLite only.

Revision ID: 0001
"""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: where this revision is found, its tables are there."""

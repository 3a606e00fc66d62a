"""Triggers that keep final rows final in an SQLite file, whoever opens it."""

from sqlalchemy import Connection

from medley_registry.backends import tables


def guard_final_rows(connection: Connection) -> None:
    """Make the database itself refuse to change or delete what is final (`tables.FINAL`)."""
    for table, changeable in tables.FINAL.items():
        fixed = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in changeable)
        actions = [f"UPDATE OF {fixed}"] + ["DELETE"] * (table not in tables.PASSING)
        for action in actions:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table.name}_no_{action.split()[0].lower()} "
                f'BEFORE {action} ON "{table.name}" '
                f"BEGIN SELECT RAISE(ABORT, '{table.name} rows are final'); END"
            )

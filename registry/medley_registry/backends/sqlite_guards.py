"""Triggers that keep final rows final in an SQLite file, whoever opens it."""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, UniqueConstraint

from medley_registry.backends import tables


def guard_final_rows(connection: Connection) -> None:
    """Make the database itself refuse to change or delete what is final (`tables.FINAL`)."""
    for table, changeable in tables.FINAL.items():
        fixed = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in changeable)
        _refuse(connection, table, "update", f"UPDATE OF {fixed}")
        if table not in tables.PASSING:
            _refuse(connection, table, "delete", "DELETE")
            # INSERT OR REPLACE deletes the row in its way, and no trigger on DELETE is asked.
            taken = " OR ".join(_taken(table))
            _refuse(connection, table, "insert_over", "INSERT", when=f"WHEN {taken} ")


def _refuse(
    connection: Connection, table: Table, name: str, action: str, *, when: str = ""
) -> None:
    connection.exec_driver_sql(
        f'CREATE TRIGGER {table.name}_no_{name} BEFORE {action} ON "{table.name}" '
        f"{when}BEGIN SELECT RAISE(ABORT, '{table.name} rows are final'); END"
    )


def _taken(table: Table) -> Iterator[str]:
    """Conditions under which a new row would come to lie where another is."""
    uniques = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    for constraint in (table.primary_key, *sorted(uniques, key=lambda c: str(c.name))):
        same = " AND ".join(f'"{c.name}" = NEW."{c.name}"' for c in constraint.columns)
        yield f'EXISTS (SELECT 1 FROM "{table.name}" WHERE {same})'  # noqa: S608 our own names

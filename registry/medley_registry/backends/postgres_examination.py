"""Whether PostgreSQL still guards what is final; of its files it says itself when it reads them."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from medley_registry.backends import tables
from medley_registry.findings import Code, Finding

# 'D' is disabled, 'R' fires only on replicas: neither guards.
_GUARDS = text(
    "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE n.nspname = :schema AND p.proname = 'refuse_final_rows' AND t.tgenabled IN ('O', 'A')"
)
_UNCHECKED = text(
    "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = :schema AND NOT k.convalidated"
)


def examine(connection: Connection, schema: str) -> Iterator[Finding]:
    """Look for guards that are gone or asleep, and for constraints that nothing checks."""
    found = {(table, name) for table, name in connection.execute(_GUARDS, {"schema": schema})}
    for table in tables.FINAL:
        actions = {"update", "truncate"} | ({"delete"} if table not in tables.PASSING else set())
        for action in sorted(actions):
            if (table.name, f"{table.name}_no_{action}") not in found:
                subject = f"trigger {table.name}_no_{action}"
                yield Finding(Code.INDEX_SCHEMA, subject, "is gone or does not fire")
    for table_name, name in connection.execute(_UNCHECKED, {"schema": schema}):
        yield Finding(Code.INDEX_SCHEMA, f"{table_name} {name}", "is not checked")

"""Which schema a database has, read without Alembic: it costs a tenth of a second to import."""

from sqlalchemy import Connection, inspect, select

from medley_registry.backends import tables
from medley_registry.errors import NeedsMigration, NotARegistry

# What the first release kept instead of Alembic's table.
_FIRST = "schema_version"


def check_schema(connection: Connection, *, where: str, schema: str | None = None) -> None:
    """Refuse a database whose schema is not the one these tables describe.

    Raises:
        NotARegistry: it holds something else, or a newer registry.
        NeedsMigration: it holds an older one.
    """
    found = found_revision(connection, schema=schema)
    if found is None:
        raise NotARegistry(f"{where} is a database, but not a registry's")
    if found < tables.SCHEMA_VERSION:
        raise NeedsMigration(
            f"{where} has schema {found}, and this version needs {tables.SCHEMA_VERSION}; "
            "run: medley registry migrate"
        )
    if found > tables.SCHEMA_VERSION:
        raise NotARegistry(
            f"{where} has schema {found}; this version of medley reads {tables.SCHEMA_VERSION}"
        )


def found_revision(connection: Connection, *, schema: str | None = None) -> str | None:
    """The revision of the schema that the database has; None where there is no registry."""
    if not inspect(connection).has_table(tables.schema_version.name, schema=schema):
        is_first = inspect(connection).has_table(_FIRST, schema=schema)
        return "0001" if is_first else None
    return connection.execute(select(tables.schema_version.c.version_num)).scalar_one_or_none()

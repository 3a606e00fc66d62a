"""Bringing an older index to the schema of this version, in one transaction or not at all."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeGuard

from sqlalchemy import Connection, func, select

from medley_registry.backends import tables
from medley_registry.backends.schema import found_revision
from medley_registry.backends.sqlite import migration_transaction
from medley_registry.backends.sqlite_guards import guard_final_rows
from medley_registry.durable import disk_errors, sync_folder
from medley_registry.errors import IndexDamaged, NotARegistry

log = logging.getLogger(__name__)


def migrate_sqlite_index(path: Path) -> str | None:
    """Migrate the index in a file; a copy of it as it was stays beside it.

    Killed at any moment, the index is either as it was or migrated.

    Returns:
        The revision it had; None if it was up to date.

    Raises:
        NotARegistry: the file is none, or newer than this version.
        IndexDamaged: its rows do not fit together; nothing was changed.
    """
    with migration_transaction(path) as connection:
        found = found_revision(connection)
        if not _is_older(found, where=str(path)):
            return None
        _keep_copy(path, found)
        _drop_triggers(connection)
        _upgrade(connection, found)
        guard_final_rows(connection)
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            raise IndexDamaged(f"{len(broken)} rows of {path} name others that are not there")
    return found


def migrate_postgres_index(url: str, schema: str) -> str | None:
    """Migrate the index in a schema of a PostgreSQL database; make a backup before.

    Killed at any moment, the index is either as it was or migrated.

    Returns:
        The revision it had; None if it was up to date.

    Raises:
        NotARegistry: the schema holds none, or one newer than this version.
        Unavailable: the server cannot be reached.
    """
    from medley_registry.backends.postgres import guard_final_rows, schema_transaction

    with schema_transaction(url, schema) as connection:
        found = found_revision(connection, schema=schema)
        if not _is_older(found, where=f"schema {schema}"):
            return None
        # Where Alembic looks for its own table, which no schema can be named for.
        quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
        connection.execute(select(func.set_config("search_path", quoted, True)))
        _upgrade(connection, found)
        guard_final_rows(connection, schema)
    return found


def _is_older(found: str | None, *, where: str) -> TypeGuard[str]:
    if found is None or found > tables.SCHEMA_VERSION:
        raise NotARegistry(f"{where} has schema {found}, which cannot be migrated from")
    return found < tables.SCHEMA_VERSION


def _upgrade(connection: Connection, found: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.stamp(config, found)  # the first release has no table of Alembic's
    command.upgrade(config, "head")


def _keep_copy(path: Path, found: str) -> None:
    """SQLite's own online copy, which reads the state before this transaction."""
    kept = path.with_name(f"{path.name}.{found}")
    draft = kept.with_name(f".incoming-{kept.name}")
    with disk_errors(kept):
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        with draft.open("rb") as stream:
            os.fsync(stream.fileno())
        draft.replace(kept)
        sync_folder(kept.parent)
    log.info("the index as it was is kept at %s", kept)


def _drop_triggers(connection: Connection) -> None:
    wanted = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    for (name,) in connection.exec_driver_sql(wanted).all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')

"""Alembic's entry: runs the revisions on the connection that `migrating` hands over.

There is no alembic.ini and no URL here: the registry opens its own connections, with the settings
its promises rest on, and holds the write lock meanwhile.
"""

from alembic import context

from medley_registry.backends import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    transactional_ddl=False,  # the caller's transaction is the only one: all revisions or none
)
context.run_migrations()

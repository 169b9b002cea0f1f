"""Alembic's environment: runs on the connection that `state.database.migrate` gives."""

from alembic import context
from sqlmodel import SQLModel

import state.tables  # noqa: F401 - fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

"""Opening a database: SQLite (WAL) or PostgreSQL, and bringing its tables up to date."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHM", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")
"""What SQLite calls it when the disk takes no more."""


_JSON = {"json_deserializer": TypeAdapter(Any).validate_json}
"""Pydantic's reader of JSON takes a third of the standard library's time: a look reads some thousand cells of it."""


class DatabaseError(Exception):
    """The database can't be used; the message says why and what to do."""


def open_database(url: str) -> Engine:
    """Open the database at a SQLAlchemy URL. Raises DatabaseError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(
            f"{url!r} is not a database address; write sqlite:///path/irrops.db or postgresql://user@host/name"
        ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": 30}, pool_size=40, max_overflow=40, **_JSON)
        event.listen(engine, "connect", _sqlite)
        event.listen(engine, "begin", _begin)
        return engine
    return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=30, **_JSON)


def _sqlite(connection: Any, _: Any) -> None:
    # The driver must not begin transactions by itself: a read that becomes a write would fail as "locked".
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer takes its lock at once and waits its turn; a reader gets a consistent view and blocks nobody.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")


def _config(url: str = "") -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def latest() -> str:
    """The newest revision that this program knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def revision(engine: Engine) -> str | None:
    """The revision of a database; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Bring the tables up to date. Raises DatabaseError, also for a database of a newer irrops."""
    try:
        at = revision(engine)
        if at == latest():
            return
        config = _config()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if at is not None and at not in known:
            raise DatabaseError(
                f"the database is at revision {at}, which this irrops does not know: it was written by a newer one; "
                "upgrade irrops, or point IRROPS_DATABASE at another database"
            )
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (OperationalError, CommandError) as error:
        raise DatabaseError(f"the database can't be opened or brought up to date: {why(error)}") from None


def why(error: Exception) -> str:
    """What is wrong with the database, in one line; what to do where the disk is full."""
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split())
    if getattr(cause, "sqlite_errorname", "").startswith(NO_ROOM):
        return f"the disk is full or can't be written ({text}); make room there, then give the command again"
    return text

"""Write a migration: what the tables say that an up-to-date database does not have yet."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from state.database import migrate, open_database


def write(message: str) -> None:
    """Compare the tables with the migrations so far, on a database of their own, and write the difference."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{Path(folder) / 'empty.db'}")
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent))
        if list((Path(__file__).parent / "versions").glob("0*.py")):
            migrate(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            number = len(list((Path(__file__).parent / "versions").glob("0*.py"))) + 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")


if __name__ == "__main__":
    write(sys.argv[1])

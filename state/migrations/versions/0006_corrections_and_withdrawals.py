"""Statements that correct others, and that were withdrawn"""

import sqlalchemy as sa
from alembic import op

from state.tables import Utc

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("statement") as table:
        for name in ("corrects", "facts_mark", "withdrawn_by"):
            table.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("withdrawn_because", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("withdrawn_at", Utc(), nullable=True))

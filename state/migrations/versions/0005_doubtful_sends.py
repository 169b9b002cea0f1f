"""Sends that may have arrived are counted; what replaces a text is found by index"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("effect") as table:
        table.add_column(sa.Column("doubtful", sa.Integer(), nullable=False, server_default="0"))
        table.create_index(table.f("ix_effect_replaces"), ["replaces"], unique=False)

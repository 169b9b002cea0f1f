"""The end of a slot: hours, handover, thanks; people signed off for the public feed"""

import sqlalchemy as sa
from alembic import op

import state.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UTC = state.tables.Utc(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("invitation") as table:
        table.add_column(sa.Column("begins_at", UTC, nullable=True))
        table.add_column(sa.Column("left_at", UTC, nullable=True))
        table.add_column(sa.Column("worked_s", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("handover_asked_at", UTC, nullable=True))
        table.add_column(sa.Column("thanked_at", UTC, nullable=True))

    op.execute("UPDATE invitation SET thanked_at = released_at")  # who was released before has been thanked

    with op.batch_alter_table("person") as table:
        table.add_column(sa.Column("signed_off", sa.JSON(none_as_null=True), nullable=True, server_default="[]"))

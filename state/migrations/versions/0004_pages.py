"""Pages: calls for one person by name"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import state.tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True)
UTC = state.tables.Utc(timezone=True)
WORD = sqlmodel.sql.sqltypes.AutoString()


def upgrade() -> None:
    op.create_table(
        "page",
        sa.Column("key", WORD, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("step", WORD, nullable=False),
        sa.Column("person", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", WORD, nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("departments", JSON, nullable=True),
        sa.Column("turns", JSON, nullable=True),
        sa.Column("passed_over", JSON, nullable=True),
        sa.Column("acknowledged_at", UTC, nullable=True),
        sa.Column("acknowledged_by", WORD, nullable=False),
        sa.Column("ended_at", UTC, nullable=True),
        sa.Column("ended_because", WORD, nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.number"]),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("page") as table:
        table.create_index(table.f("ix_page_incident"), ["incident"], unique=False)
        table.create_index(table.f("ix_page_at"), ["at"], unique=False)

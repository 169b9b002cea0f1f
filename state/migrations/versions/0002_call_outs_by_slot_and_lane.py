"""Call-outs by slot, qualification and lane; coming later, being left in peace, handing over"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import state.tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True)


def _added(name: str, kind: object, default: str) -> sa.Column:
    """A column that rows which are there already fill with a default."""
    return sa.Column(name, kind, nullable=isinstance(kind, sa.JSON), server_default=default)


def _word(name: str, default: str = "") -> sa.Column:
    return _added(name, sqlmodel.sql.sqltypes.AutoString(), default)


def upgrade() -> None:
    with op.batch_alter_table("callout") as table:
        table.alter_column("languages", new_column_name="minima", existing_type=JSON, existing_nullable=True)
        table.add_column(_added("slot", sa.Integer(), "1"))
        table.add_column(_added("stage", sa.Integer(), "0"))
        table.add_column(_added("waves_before", sa.Integer(), "0"))
        table.add_column(sa.Column("opens_at", state.tables.Utc(timezone=True), nullable=True))

    with op.batch_alter_table("invitation") as table:
        table.add_column(_added("hour", sa.Integer(), "0"))
        table.add_column(_added("lanes", JSON, '["slack"]'))
        table.add_column(_word("lane", "slack"))
        table.add_column(_word("code"))
        table.add_column(_word("answered_on"))
        table.add_column(sa.Column("comes_at", state.tables.Utc(timezone=True), nullable=True))
        table.add_column(_word("released_because"))
        table.add_column(_word("buddy"))
        table.add_column(_added("handover", sa.Text(), ""))
        table.add_column(_added("debrief", JSON, "{}"))
        table.create_index(table.f("ix_invitation_code"), ["code"], unique=False)

    with op.batch_alter_table("person") as table:
        table.add_column(_added("levels", JSON, "{}"))
        table.add_column(_added("lanes", JSON, "[]"))
        table.add_column(sa.Column("quiet_until", state.tables.Utc(timezone=True), nullable=True))

"""notes

It only expands: the version before works with it. `-x wait=SECONDS` makes it slow, `-x fail=true` lets it fail at its end.
"""

from alembic import context, op
from sqlalchemy import Column, Text

revision = "0002"
down_revision = "0001"


def upgrade():
    arguments = context.get_x_argument(as_dictionary=True)
    op.execute(f"SELECT pg_sleep({float(arguments.get('wait', 0))})")
    op.add_column("items", Column("note", Text, nullable=True))
    op.execute("UPDATE items SET note = 'fresh'")
    if "fail" in arguments:
        op.execute("SELECT 1 / 0")


def downgrade():
    op.drop_column("items", "note")

"""items"""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0001"
down_revision = None


def upgrade():
    items = op.create_table("items", Column("id", Integer, primary_key=True), Column("name", Text, nullable=False))
    op.bulk_insert(items, [{"name": "bread"}, {"name": "milk"}])


def downgrade():
    op.drop_table("items")

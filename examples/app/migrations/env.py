"""Migrates the database that DATABASE_URL names, and tells each step on the standard output."""

import logging
import os
import sys

from alembic import context
from sqlalchemy import create_engine, pool

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
logging.getLogger("alembic").setLevel(logging.INFO)

url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+pg8000://", 1)
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

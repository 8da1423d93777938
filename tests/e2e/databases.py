"""Databases on the PostgreSQL server of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

POSTGRES = "postgres://postgres@127.0.0.1:5432"


@contextmanager
def scratch_database() -> Iterator[str]:
    """The address of an empty database that is gone afterwards, with whoever is still connected."""
    name = f"botfactory_e2e_{uuid4().hex[:12]}"
    named = sql.Identifier(name)
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(named))
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(named))

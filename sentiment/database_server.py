"""A server of databases: PostgreSQL, MySQL or SQL Server."""

from urllib.parse import urlsplit

from sqlalchemy import NullPool, create_engine

SCHEMES = ("postgresql", "mysql", "mssql")


def connect_once(address: str) -> None:
    """Whether it answers, which MLflow tries for minutes. Raises what SQLAlchemy does; of another kind of address, nothing."""
    if urlsplit(address).scheme.partition("+")[0] in SCHEMES:
        create_engine(address, poolclass=NullPool).connect().close()

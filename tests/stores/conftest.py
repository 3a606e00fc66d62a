from collections.abc import Iterator
from dataclasses import replace

import pytest
from medley_registry import BaseModel
from medley_registry.backends.postgres import PostgresIndex

from tests.records import BASE
from tests.stores.fixtures import bucket, postgres_server, s3_server, schema
from tests.stores.postgres import PostgresServer, postgres_index

__all__ = ["bucket", "postgres_server", "s3_server", "schema"]


@pytest.fixture
def index(postgres_server: PostgresServer, schema: str) -> Iterator[PostgresIndex]:
    opened = postgres_index(postgres_server, schema)
    yield opened
    opened.close()


def add_base(index: PostgresIndex, name: str = "tiny") -> None:
    with index.write() as writer:
        writer.add(replace(BASE, name=name))


def base_names(index: PostgresIndex) -> list[str]:
    with index.read() as reader:
        return [base.name for base in reader.all(BaseModel)]

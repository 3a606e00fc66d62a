"""The servers as fixtures; a conftest that imports them offers them to its tests."""

import uuid

import pytest

from tests.stores.postgres import PostgresServer, running_postgres
from tests.stores.s3 import S3Server, running_s3


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """A real PostgreSQL; the first test that asks for it starts it."""
    return running_postgres()


@pytest.fixture(scope="session")
def s3_server() -> S3Server:
    """A real server of S3's protocol; the first test that asks for it starts it."""
    return running_s3()


@pytest.fixture
def schema() -> str:
    """The name of a schema that no other test has."""
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, with the environment that opens it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server.make_bucket()

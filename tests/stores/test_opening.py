"""Registries in PostgreSQL and S3, opened as users open them."""

import os
import re
from pathlib import Path

import pytest
from medley_registry import NotARegistry, Registry, Unavailable, open_registry

from tests.builders import TINY, make_adapter, make_base
from tests.stores.postgres import PostgresServer


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "REGISTRY", "BLOBS", "TENANT"):
        monkeypatch.delenv(f"MEDLEY_{name}", raising=False)


@pytest.fixture
def tenant(schema: str) -> str:
    """A tenant that no other test has."""
    return schema[:40].replace("_", "-")


def publish(registry: Registry, folder: Path) -> None:
    registry.add_base(TINY, make_base(folder / "base"), actor="ada")
    registry.publish(make_adapter(folder / "adapter"), name="notes", base=TINY, actor="ada")


def assert_published(registry: Registry, folder: Path) -> None:
    registry.checkout(registry.resolve("notes:1"), folder / "checkouts")


def test_a_registry_in_postgres_and_s3_is_made_and_opened_again(
    postgres_server: PostgresServer, bucket: str, tenant: str, tmp_path: Path
) -> None:
    url = postgres_server.url
    with open_registry(url, blobs=bucket, tenant=tenant, create=True) as registry:
        publish(registry, tmp_path)

    with open_registry(url, blobs=bucket, tenant=tenant, create=True) as registry:
        assert_published(registry, tmp_path)
    with open_registry(url, blobs=bucket, tenant=tenant) as registry:
        assert_published(registry, tmp_path)


def test_the_environment_alone_opens_it(
    postgres_server: PostgresServer,
    bucket: str,
    tenant: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDLEY_REGISTRY", postgres_server.url)
    monkeypatch.setenv("MEDLEY_BLOBS", bucket)
    monkeypatch.setenv("MEDLEY_TENANT", tenant)
    with open_registry(create=True) as registry:
        publish(registry, tmp_path)

    with open_registry() as registry:
        assert_published(registry, tmp_path)


def test_a_database_without_the_registry_says_how_to_make_it(
    postgres_server: PostgresServer, bucket: str, tenant: str
) -> None:
    url = postgres_server.url_for("guarded:opensesame")

    with pytest.raises(NotARegistry) as missing:
        open_registry(url, blobs=bucket, tenant=tenant)

    shown = re.escape(url.replace("opensesame", "***"))
    wanted = f"medley registry init --registry '{shown}' --blobs {bucket} --tenant {tenant}"
    assert re.search(wanted, str(missing.value))


def test_blobs_may_lie_in_a_folder(
    postgres_server: PostgresServer, tenant: str, tmp_path: Path
) -> None:
    big = tmp_path / "big"
    with open_registry(postgres_server.url, blobs=big, tenant=tenant, create=True) as registry:
        publish(registry, tmp_path)

    with open_registry(postgres_server.url, blobs=big, tenant=tenant) as registry:
        assert_published(registry, tmp_path)
    assert (big / "tenants" / tenant / "blobs").is_dir()


def test_an_index_on_disk_may_keep_its_blobs_in_s3(bucket: str, tmp_path: Path) -> None:
    with open_registry(tmp_path / "registry", blobs=bucket, create=True) as registry:
        publish(registry, tmp_path)

    with open_registry(tmp_path / "registry", blobs=bucket) as registry:
        assert_published(registry, tmp_path)
    assert "blobs" not in os.listdir(tmp_path / "registry")  # noqa: PTH208 a name is all we ask


def test_tenants_of_one_database_and_bucket_do_not_see_each_other(
    postgres_server: PostgresServer, bucket: str, tenant: str, tmp_path: Path
) -> None:
    url, other = postgres_server.url, f"{tenant}-other"
    with (
        open_registry(url, blobs=bucket, tenant=tenant, create=True) as ours,
        open_registry(url, blobs=bucket, tenant=other, create=True) as theirs,
    ):
        publish(ours, tmp_path)
        stored = [found.digest for found in ours.blobs.list()]

        assert theirs.adapters() == []
        assert theirs.bases() == []
        assert theirs.head() == 0
        assert [*theirs.blobs.list()] == []
        assert not any(theirs.blobs.has(digest) for digest in stored)


def test_nothing_is_made_in_the_database_if_the_bucket_is_not_there(
    postgres_server: PostgresServer, bucket: str, tenant: str
) -> None:
    url = postgres_server.url
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        open_registry(url, blobs="s3://medley-no-such-bucket", tenant=tenant, create=True)

    with pytest.raises(NotARegistry):
        open_registry(url, blobs=bucket, tenant=tenant)

from pathlib import Path

import pytest
from medley_registry import InvalidReference, UnsupportedLocation, medley_home, registry_folder
from medley_registry.location import Location, locate, without_password

DATABASE = "postgresql+psycopg://medley@db.example/registry"
BUCKET = "s3://hospital/medley"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "REGISTRY", "BLOBS", "TENANT"):
        monkeypatch.delenv(f"MEDLEY_{name}", raising=False)


def test_the_argument_wins_over_the_environment_and_that_over_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert medley_home() == Path.home() / ".medley"
    assert registry_folder() == Path.home() / ".medley/registry"

    monkeypatch.setenv("MEDLEY_HOME", "/srv/medley")
    assert registry_folder() == Path("/srv/medley/registry")

    monkeypatch.setenv("MEDLEY_REGISTRY", "~/there")
    assert registry_folder() == Path.home() / "there"
    assert registry_folder("/here") == Path("/here")


def test_a_folder_keeps_its_own_blobs_unless_told_otherwise() -> None:
    assert locate("/srv") == Location(Path("/srv"), Path("/srv"))
    assert locate("/srv", blobs="/big") == Location(Path("/srv"), Path("/big"))
    assert locate("/srv", blobs=Path("/big")) == Location(Path("/srv"), Path("/big"))
    assert locate("/srv", blobs=f"{BUCKET}/") == Location(Path("/srv"), BUCKET)


def test_the_blobs_of_the_environment_belong_to_the_registry_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MEDLEY_BLOBS", BUCKET)

    assert locate("/tmp/trial").blobs == Path("/tmp/trial")
    assert locate(DATABASE).blobs == BUCKET
    assert locate(DATABASE, blobs="/big").blobs == Path("/big")

    monkeypatch.setenv("MEDLEY_REGISTRY", "/srv")
    assert locate() == Location(Path("/srv"), BUCKET)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_database_is_a_location_if_blobs_have_one_too(scheme: str) -> None:
    url = f"{scheme}://medley@db.example/registry"

    assert locate(url, blobs=BUCKET) == Location(url, BUCKET)
    with pytest.raises(UnsupportedLocation, match="--blobs or MEDLEY_BLOBS"):
        locate(url)
    with pytest.raises(UnsupportedLocation, match="is not in a folder"):
        _ = locate(url, blobs=BUCKET).folder


@pytest.mark.parametrize("url", ["gs://bucket", "az://container/prefix", "s3://b.u-c/x/y=1"])
def test_object_stores_are_named_by_bucket_and_prefix(url: str) -> None:
    assert locate("/srv", blobs=url).blobs == url


@pytest.mark.parametrize(
    "location",
    ["s3://bucket/prefix", "sqlite:///registry.db", "postgres://host/db", "mysql://host/db", "file:///x"],
)  # fmt: skip
def test_what_cannot_hold_an_index_is_refused_with_what_could(location: str) -> None:
    with pytest.raises(UnsupportedLocation, match=r"name a folder.*or postgresql://"):
        locate(location)


@pytest.mark.parametrize(
    "blobs",
    [
        DATABASE,
        "http://host/x",
        "file:///x",
        "s3://",
        "s3:///x",
        "s3://key:word@bucket",
        "s3://b?x",
    ],
)
def test_what_cannot_hold_blobs_is_refused_with_what_could(blobs: str) -> None:
    with pytest.raises(UnsupportedLocation, match="name s3://bucket/prefix") as refused:
        locate("/srv", blobs=blobs)
    assert "word" not in str(refused.value)


def test_tenants_share_the_place_and_nothing_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here = locate("/srv", tenant="st-mary")
    there = locate(DATABASE, blobs=BUCKET, tenant="st-mary")

    assert here.folder == Path("/srv/tenants/st-mary")
    assert here.blob_root == Path("/srv/tenants/st-mary")
    assert (there.schema, there.blob_root) == ("tenant_st-mary", f"{BUCKET}/tenants/st-mary")
    assert locate(DATABASE, blobs=BUCKET).schema == "medley"
    assert locate(DATABASE, blobs=BUCKET).blob_root == BUCKET

    monkeypatch.setenv("MEDLEY_TENANT", "st-john")
    assert locate("/srv").tenant == "st-john"
    assert locate("/srv", tenant="st-mary").tenant == "st-mary"
    assert locate("/srv", tenant="").tenant is None


@pytest.mark.parametrize("tenant", ["..", "a/b", "St-Mary", "-x", "a" * 57])
def test_a_tenant_has_a_legal_name(tenant: str) -> None:
    with pytest.raises(InvalidReference):
        locate("/srv", tenant=tenant)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:pa:ss/w?rd@host/db", "postgresql://ada:***@host/db"),
        ("postgresql://ada@host/db?password=word&x=1", "postgresql://ada@host/db?password=***&x=1"),
        ("postgresql://host/db?x=1&sslpassword=word", "postgresql://host/db?x=1&sslpassword=***"),
        (DATABASE, DATABASE),
        ("/srv/medley", "/srv/medley"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_location_shows_no_password_however_it_is_printed() -> None:
    place = locate("postgresql://ada:opensesame@host/db", blobs=BUCKET, tenant="st-mary")

    for text in (str(place), repr(place), repr([place]), place.init_command):
        assert "opensesame" not in text
        assert "postgresql://ada:***@host/db" in text


def test_the_command_that_makes_a_registry_is_told_in_full() -> None:
    assert locate("/srv").init_command == "medley registry init --registry /srv"
    assert (
        locate(DATABASE, blobs=BUCKET, tenant="st-mary").init_command
        == f"medley registry init --registry {DATABASE} --blobs {BUCKET} --tenant st-mary"
    )
    assert locate("/a b").init_command.endswith("--registry '/a b'")

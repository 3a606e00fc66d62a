import io
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable

import obstore
import pytest
from medley_registry import BlobMissing, Digest, RegistryError, Unavailable, UnsupportedLocation
from medley_registry.backends import s3
from medley_registry.backends.s3 import ObjectBlobs, create_object_blobs
from obstore.store import S3Store

from tests.stores.s3 import S3Server

ABC = Digest.of(b"abc")
SECRET = "opensesame"


def objects(bucket: str) -> S3Store:
    """All that is in a bucket, whatever its prefix."""
    name = bucket.removeprefix("s3://").partition("/")[0]
    return S3Store(name, client_options={"allow_http": True})


def keys(bucket: str) -> list[str]:
    return sorted(found["path"] for batch in obstore.list(objects(bucket)) for found in batch)


def error_of(work: Callable[[], object]) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        work()
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_blob_is_one_object_named_by_its_content(bucket: str) -> None:
    ObjectBlobs(bucket).put(io.BytesIO(b"abc"))

    assert keys(bucket) == [f"registry/blobs/sha256/{ABC.hex[:2]}/{ABC.hex}"]


def test_a_bucket_may_be_used_without_a_prefix(bucket: str) -> None:
    ObjectBlobs(bucket.removesuffix("/registry")).put(io.BytesIO(b"abc"))

    assert keys(bucket) == [f"blobs/sha256/{ABC.hex[:2]}/{ABC.hex}"]


def test_tenants_see_only_their_own_blobs(bucket: str) -> None:
    ours, theirs = ObjectBlobs(bucket), ObjectBlobs(f"{bucket}/tenants/st-mary")
    theirs.put(io.BytesIO(b"abc"))

    assert not ours.has(ABC)
    assert [*ours.list()] == []
    with pytest.raises(BlobMissing):
        ours.open(ABC)
    ours.remove(ABC)
    assert [found.digest for found in theirs.list()] == [ABC]


def test_what_is_no_blob_is_not_listed(bucket: str) -> None:
    store, folder = objects(bucket), "registry/blobs/sha256"
    ObjectBlobs(bucket).put(io.BytesIO(b"abc"))
    for name in ("notes.txt", f"cd/{ABC.hex}", f"{ABC.hex[:2]}/{ABC.hex}.bak", "ab/ab"):
        obstore.put(store, f"{folder}/{name}", b"")

    assert [found.digest for found in ObjectBlobs(bucket).list()] == [ABC]


def test_putting_again_mends_a_damaged_blob(bucket: str) -> None:
    blobs = ObjectBlobs(bucket)
    blobs.put(io.BytesIO(b"abc"))
    obstore.put(objects(bucket), keys(bucket)[0], b"axc")

    blobs.put(io.BytesIO(b"abc"))

    assert blobs.open(ABC).read() == b"abc"


def test_a_source_that_fails_stores_nothing(bucket: str) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if chunk := super().read(size):
                return chunk
            raise OSError(5, "Input/output error")

    error = error_of(lambda: ObjectBlobs(bucket).put(Failing(b"abc")))

    assert isinstance(error, Unavailable)
    assert keys(bucket) == []


def test_a_blob_that_is_removed_while_it_is_read_is_missing(bucket: str) -> None:
    blobs = ObjectBlobs(bucket)
    blobs.put(io.BytesIO(b"abc"))

    with blobs.open(ABC) as stream:
        blobs.remove(ABC)
        with pytest.raises(BlobMissing):
            stream.read()


def test_small_reads_of_a_large_blob_fetch_a_part_of_it(bucket: str) -> None:
    content = bytes(range(256)) * (10 << 12)
    blobs = ObjectBlobs(bucket)
    digest = blobs.put(io.BytesIO(content)).digest

    with blobs.open(digest) as stream:
        stream.seek(-300, io.SEEK_END)
        assert [stream.read(100) for _ in range(4)] == [
            content[-300:-200],
            content[-200:-100],
            content[-100:],
            b"",
        ]


@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.1, 0.2])
def test_a_publisher_killed_while_it_uploads_leaves_a_whole_blob_or_none(
    bucket: str, delay_s: float
) -> None:
    program = (
        "import io, sys; from medley_registry.backends.s3 import ObjectBlobs;"
        f"blobs = ObjectBlobs({bucket!r}); content = bytes(40 << 20); print(flush=True);"
        "blobs.put(io.BytesIO(content))"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout
    with child, child.stdout:
        child.stdout.readline()
        try:
            child.wait(delay_s)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)

    blobs = ObjectBlobs(bucket)
    for found in blobs.list():
        assert found.size_bytes == 40 << 20
        assert Digest.of(blobs.open(found.digest).read()) == found.digest


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_is_told_that_it_cannot_go_on_with_its_parents_store(bucket: str) -> None:
    blobs = ObjectBlobs(bucket)
    blobs.put(io.BytesIO(b"abc"))
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        try:
            blobs.has(ABC)
        except Unavailable as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)  # never back into the test run
    os.close(writing)
    os.waitpid(child, 0)

    with os.fdopen(reading, "rb") as pipe:
        assert b"was in use before this process forked" in pipe.read()


def test_a_bucket_that_is_not_there_is_told_when_the_registry_is_made(bucket: str) -> None:
    url = "s3://medley-no-such-bucket/registry"

    for work in (
        lambda: create_object_blobs(url),
        lambda: ObjectBlobs(url).put(io.BytesIO(b"abc")),
        lambda: next(ObjectBlobs(url).list()),
    ):
        error = error_of(work)
        assert isinstance(error, Unavailable)
        assert f"{url} cannot be used: NoSuchBucket: The specified bucket" in str(error)


def test_a_store_that_does_not_answer_is_unavailable(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PATIENCE_S", 0.1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    blobs = ObjectBlobs(bucket)

    for work in (
        lambda: blobs.put(io.BytesIO(b"abc")),
        lambda: blobs.open(ABC),
        lambda: blobs.has(ABC),
        lambda: blobs.remove(ABC),
        lambda: next(blobs.list()),
    ):
        error = error_of(work)
        assert isinstance(error, Unavailable)
        assert "127.0.0.1:1, Connection refused" in str(error)


def test_an_endpoint_without_tls_is_used_only_if_it_says_so(
    bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PATIENCE_S", 0.1)
    plain = s3_server.environment["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", plain.replace("http://", "https://"))

    assert isinstance(error_of(lambda: ObjectBlobs(bucket).has(ABC)), Unavailable)


@pytest.mark.parametrize("endpoint", ["localhost:9000", f"http://ada:{SECRET}@host", "http://a b"])
def test_an_endpoint_that_is_none_is_refused(
    bucket: str, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    error = error_of(lambda: ObjectBlobs(bucket))

    assert isinstance(error, UnsupportedLocation)
    assert SECRET not in str(error)


@pytest.mark.parametrize("url", ["s3:///prefix", "s3://", "ftp://host/x", "az://container"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert isinstance(error_of(lambda: ObjectBlobs(url)), UnsupportedLocation)


def test_a_store_that_repeats_a_token_in_its_answer_is_not_quoted(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise obstore.exceptions.PermissionDeniedError(
            "Generic S3 error: 403 Forbidden: <Error><Code>InvalidToken</Code><Message>The token "
            f"is malformed</Message><Token-0>{SECRET}</Token-0></Error>\n\nDebug source: …"
        )

    monkeypatch.setattr(obstore, "head", refuse)

    error = error_of(lambda: ObjectBlobs(bucket).has(ABC))

    assert str(error).endswith("InvalidToken: The token is malformed")
    assert SECRET not in "".join(traceback.format_exception(error, chain=True))


def test_missing_credentials_are_told_as_such(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PATIENCE_S", 0.1)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        if "ENDPOINT" not in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")

    assert "no credentials" in str(error_of(lambda: ObjectBlobs(bucket).has(ABC)))

import io

import pytest
from medley_registry import BlobMissing, Digest
from medley_registry.blobs import Blob, BlobStore


def test_what_was_put_can_be_opened_by_its_digest(blobs: BlobStore) -> None:
    blob = blobs.put(io.BytesIO(b"abc"))

    assert blob == Blob(Digest.of(b"abc"), 3)
    assert blobs.has(blob.digest)
    with blobs.open(blob.digest) as stream:
        assert stream.read() == b"abc"


def test_putting_the_same_content_twice_is_one_blob(blobs: BlobStore) -> None:
    assert blobs.put(io.BytesIO(b"abc")) == blobs.put(io.BytesIO(b"abc"))


def test_empty_content_is_content(blobs: BlobStore) -> None:
    blob = blobs.put(io.BytesIO(b""))

    with blobs.open(blob.digest) as stream:
        assert stream.read() == b""


def test_what_was_not_put_is_missing(blobs: BlobStore) -> None:
    digest = Digest.of(b"never put")

    assert not blobs.has(digest)
    with pytest.raises(BlobMissing, match=str(digest)):
        blobs.open(digest)


def test_a_stream_is_put_from_where_it_stands(blobs: BlobStore) -> None:
    source = io.BytesIO(b"skipped, kept")
    source.seek(9)

    assert blobs.put(source).digest == Digest.of(b"kept")

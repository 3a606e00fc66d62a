import io
import threading
from datetime import UTC, datetime, timedelta

import pytest
from medley_registry import BlobMissing, Digest
from medley_registry.blobs import Blob, BlobStore

MORE_THAN_ONE_PART = 20 << 20


def test_what_was_put_can_be_opened_by_its_digest(blobs: BlobStore) -> None:
    blob = blobs.put(io.BytesIO(b"abc"))

    assert blob == Blob(Digest.of(b"abc"), 3)
    assert blobs.has(blob.digest)
    with blobs.open(blob.digest) as stream:
        assert stream.read() == b"abc"


def test_putting_the_same_content_twice_is_one_blob(blobs: BlobStore) -> None:
    assert blobs.put(io.BytesIO(b"abc")) == blobs.put(io.BytesIO(b"abc"))
    assert len([*blobs.list()]) == 1


def test_empty_content_is_content(blobs: BlobStore) -> None:
    blob = blobs.put(io.BytesIO(b""))

    assert blobs.has(blob.digest)
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


def test_much_content_comes_back_as_it_was(blobs: BlobStore) -> None:
    content = bytes(range(256)) * (MORE_THAN_ONE_PART // 256) + b"end"

    blob = blobs.put(io.BytesIO(content))

    assert blob == Blob(Digest.of(content), len(content))
    with blobs.open(blob.digest) as stream:
        assert stream.read() == content


def test_a_stored_stream_can_be_read_from_anywhere(blobs: BlobStore) -> None:
    digest = blobs.put(io.BytesIO(b"0123456789")).digest

    with blobs.open(digest) as stream:
        assert stream.seekable()
        assert (stream.read(3), stream.tell()) == (b"012", 3)
        assert (stream.seek(8), stream.read()) == (8, b"89")
        assert (stream.seek(-4, io.SEEK_END), stream.read(2)) == (6, b"67")
        assert (stream.seek(1, io.SEEK_CUR), stream.read()) == (9, b"9")
        assert (stream.seek(20), stream.read()) == (20, b"")
        assert (stream.seek(0), stream.read(1)) == (0, b"0")
    with pytest.raises(ValueError, match="closed"):
        stream.read()


def test_what_is_open_twice_is_read_twice(blobs: BlobStore) -> None:
    digest = blobs.put(io.BytesIO(b"abc")).digest

    with blobs.open(digest) as first, blobs.open(digest) as second:
        assert (first.read(1), second.read(), first.read()) == (b"a", b"abc", b"bc")


def test_every_blob_is_listed_with_its_size_and_the_time_it_was_put(blobs: BlobStore) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)  # a store may count in seconds
    put = {blobs.put(io.BytesIO(bytes(size))) for size in range(5)}
    ended = datetime.now(UTC)

    listed = [*blobs.list()]

    assert {Blob(found.digest, found.size_bytes) for found in listed} == put
    assert all(began <= found.modified_at <= ended for found in listed)


def test_an_empty_store_lists_nothing(blobs: BlobStore) -> None:
    assert [*blobs.list()] == []


def test_what_was_removed_is_missing_until_it_is_put_again(blobs: BlobStore) -> None:
    kept, gone = (blobs.put(io.BytesIO(content)).digest for content in (b"kept", b"gone"))

    blobs.remove(gone)

    assert not blobs.has(gone)
    with pytest.raises(BlobMissing):
        blobs.open(gone)
    assert [found.digest for found in blobs.list()] == [kept]
    assert blobs.put(io.BytesIO(b"gone")).digest == gone
    assert blobs.has(gone)


def test_removing_what_is_not_there_is_no_error(blobs: BlobStore) -> None:
    blobs.remove(Digest.of(b"never put"))


def test_a_sweep_takes_no_blob(blobs: BlobStore) -> None:
    digest = blobs.put(io.BytesIO(b"abc")).digest

    assert blobs.sweep(datetime.now(UTC) + timedelta(days=1)) == 0
    assert blobs.has(digest)


def test_putting_and_removing_at_once_disturbs_no_other_blob(blobs: BlobStore) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            mine = blobs.put(io.BytesIO(b"%d %d" % (number, turn))).digest
            shared = blobs.put(io.BytesIO(b"shared")).digest
            with blobs.open(shared) as stream:
                assert stream.read() == b"shared"
            assert mine in {found.digest for found in blobs.list()}
            blobs.remove(mine)
            assert not blobs.has(mine)
        done.append(number)

    done: list[int] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == [0, 1, 2, 3]
    assert [found.digest for found in blobs.list()] == [Digest.of(b"shared")]

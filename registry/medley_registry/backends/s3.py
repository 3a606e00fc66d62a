"""Blobs in an object store: ``<prefix>/blobs/sha256/ab/abcdef…``.

Tested on S3. Addresses of Google Cloud Storage (``gs://``) and Azure (``az://``) open too, by the
same library and untested. Credentials, region and endpoint come from the environment, by the names
that the store's own tools use (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, …).

An object appears whole or not at all, and is durable once the store has acknowledged it. Each
request carries the SHA-256 of what it sends, so the store refuses what was changed on the way.
"""

import functools
import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from medley_registry.blobs import Blob, StoredBlob
from medley_registry.digest import ALGORITHM, Digest, digest_stream
from medley_registry.durable import disk_errors
from medley_registry.errors import BlobMissing, Unavailable, UnsupportedLocation
from medley_registry.inert import inert

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore import ReadableFile
    from obstore.store import ObjectStore

PATIENCE_S = 30.0
"""How long a request is repeated that the store does not answer."""

_FOLDER = f"blobs/{ALGORITHM}"
_KEY = re.compile(rf"{_FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_ENDPOINT = re.compile(r"https?://[\w.:\[\]-]+/?")
_MACHINE_CREDENTIALS = "/latest/api/token"  # what a machine in AWS asks where nobody gave it any
_IN_MEMORY_BYTES = 8 << 20
_PART_BYTES = 8 << 20
_MOST_PARTS = 9_000  # S3 takes 10,000
_PARTS_AT_ONCE = 4
_READ_BYTES = 8 << 20
_HANDED_OUT_BYTES = 1 << 16


def create_object_blobs(url: str) -> None:
    """Make sure that the bucket is there and may be listed; objects need no folders.

    Raises:
        Unavailable: it is not.
    """
    next(ObjectBlobs(url).list(), None)


class ObjectBlobs:
    """A `BlobStore` in a bucket, under a prefix: ``s3://bucket/prefix``.

    Safe for threads, but not to be used on both sides of a fork: the library's own threads do not
    get across, and the child would wait for ever. Here it is refused; start such processes anew.

    Raises:
        UnsupportedLocation: the URL names no object store.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._store = _open_store(url)

    def put(self, source: BinaryIO) -> Blob:
        # The name is the digest, so all of the source is read before the first byte is sent.
        with (
            disk_errors(Path(tempfile.gettempdir())),
            tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool,
        ):
            digest, size_bytes = digest_stream(source, each=spool.write)
            spool.seek(0)
            with _store_errors(self._url):
                obstore.put(
                    self._store,
                    _key(digest),
                    spool,
                    chunk_size=max(_PART_BYTES, size_bytes // _MOST_PARTS),
                    max_concurrency=_PARTS_AT_ONCE,
                )
        return Blob(digest, size_bytes)

    def open(self, digest: Digest) -> BinaryIO:
        with _store_errors(self._url, missing=digest):
            file = obstore.open_reader(self._store, _key(digest), buffer_size=_READ_BYTES)
        stream = _ObjectStream(file, digest=digest, url=self._url)
        return cast("BinaryIO", io.BufferedReader(stream, _HANDED_OUT_BYTES))

    def has(self, digest: Digest) -> bool:
        try:
            with _store_errors(self._url, missing=digest):
                obstore.head(self._store, _key(digest))
        except BlobMissing:
            return False
        return True

    def remove(self, digest: Digest) -> None:
        try:
            with _store_errors(self._url, missing=digest):
                obstore.delete(self._store, _key(digest))
        except BlobMissing:  # S3 says nothing of it, other stores do
            pass

    def list(self) -> Iterator[StoredBlob]:
        with _store_errors(self._url):
            for batch in obstore.list(self._store, _FOLDER):
                for found in batch:
                    if key := _KEY.fullmatch(found["path"]):
                        yield StoredBlob(Digest(key[2]), found["size"], found["last_modified"])

    def sweep(self, older_than: datetime) -> int:
        """Nothing: the parts of a killed upload can be removed by the bucket's own rules only.

        Set a lifecycle rule that aborts incomplete multipart uploads (``docs/stores.md``).
        """
        return 0


class _ObjectStream(io.RawIOBase):
    """An object as a stream that reads ahead; errors come in the registry's words."""

    def __init__(self, file: "ReadableFile", *, digest: Digest, url: str) -> None:
        self._file = file
        self._digest = digest
        self._url = url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        with _store_errors(self._url, missing=self._digest):
            chunk = memoryview(self._file.read(len(view)))
        view[: len(chunk)] = chunk
        return len(chunk)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _key(digest: Digest) -> str:
    return f"{_FOLDER}/{digest.hex[:2]}/{digest.hex}"


def _open_store(url: str) -> "ObjectStore":
    endpoint = next((os.environ[name] for name in _ENDPOINTS if name in os.environ), "")
    if endpoint and not _ENDPOINT.fullmatch(endpoint):  # the library would not survive it
        raise UnsupportedLocation("the endpoint in AWS_ENDPOINT_URL is not like https://host:port")
    try:
        return from_url(
            url,
            client_options={"allow_http": endpoint.startswith("http://")},
            retry_config={"retry_timeout": timedelta(seconds=PATIENCE_S)},
        )
    except (BaseError, ValueError) as error:
        raise UnsupportedLocation(f"{url} cannot be opened: {_told(error)}") from None


@functools.cache
def _process_of_first_use() -> int:
    return os.getpid()  # a forked child inherits what is remembered here


@contextmanager
def _store_errors(url: str, *, missing: Digest | None = None) -> Iterator[None]:
    if _process_of_first_use() != os.getpid():
        raise Unavailable(f"{url} was in use before this process forked; start it by spawning")
    # Without the cause: the store's own text may repeat a session token that it did not like.
    try:
        yield
    except FileNotFoundError as error:
        if missing is not None:
            raise BlobMissing(f"blob {missing} is not in the store") from None
        raise Unavailable(f"{url} cannot be used: {_told(error)}") from None
    except BaseError as error:
        raise Unavailable(f"{url} cannot be used: {_told(error)}") from None


def _told(error: Exception) -> str:
    """What the store said, out of a page of text: its code and message, else the last cause."""
    text = str(error)
    if _MACHINE_CREDENTIALS in text:
        return "no credentials: the environment has none, and this machine offers none"
    code = re.search(r"<Code>([^<]+)</Code>", text)
    message = re.search(r"<Message>([^<]+)</Message>", text)
    if code:
        return inert(f"{code[1]}: {message[1]}" if message else code[1])
    line = text.partition("\n")[0].rpartition(" - ")[2]
    host = re.search(r"https?://(?:[^/@\s]*@)?([^/@\s]+)", text)
    cause = re.search(r'message: "([^"]+)"', text)
    details = ", ".join(found[1] for found in (host, cause) if found)
    return inert(f"{line} ({details})" if details else line)

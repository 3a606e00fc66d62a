"""A registry that was away when the server started: answered for by what was saved of it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from medley_registry import Registry, RegistryError
from medley_registry.errors import Unavailable
from medley_registry.findings import Finding
from medley_registry.index import Index, IndexReader, IndexWriter
from medley_registry.keys import AccessKey

log = logging.getLogger(__name__)

REOPEN_S = 1.0
"""How often the registry is tried again."""

PATIENCE_S = 0.5
"""How long who tries it waits for it, and nobody else does: connecting may take ten seconds."""

KEYS_S = 86_400.0
"""How long callers' keys are believed that only the saved state knows; then it fails closed."""


class WaitingIndex:
    """An index that answers from what was saved, until the registry itself can be opened."""

    def __init__(
        self, reopen: Callable[[], Registry], saved: Index, *, saved_at: float, failure: str
    ) -> None:
        self._reopen = reopen
        self._saved = saved
        self._saved_at = saved_at
        self._back: Registry | None = None
        self._tried_at = time.monotonic()
        self._trying = threading.Lock()
        self.failure: str | None = failure

    def registry(self) -> Registry | None:
        """The registry, if it is back."""
        is_due = self._back is None and time.monotonic() - self._tried_at >= REOPEN_S
        if is_due and self._trying.acquire(blocking=False):
            trying = threading.Thread(target=self._try, name="reopen the registry", daemon=True)
            trying.start()
            trying.join(PATIENCE_S)
        return self._back

    def _try(self) -> None:
        try:
            if self._back is None:  # who was here before may have found it
                back = self._reopen()
                self.failure, self._back = None, back
                log.info("the registry is back, and is followed from now on")
        except RegistryError as error:
            self.failure = str(error)
        except Exception as error:  # the thread's edge
            log.exception("opening the registry again failed")
            self.failure = repr(error)
        finally:
            self._tried_at = time.monotonic()
            self._trying.release()

    @contextmanager
    def read(self) -> Iterator[IndexReader]:
        if (back := self.registry()) is not None:
            with back.index.read() as reader:
                yield reader
            return
        with self._saved.read() as reader:
            is_old = time.time() - self._saved_at > KEYS_S
            yield cast("IndexReader", _Keyless(reader)) if is_old else reader

    @contextmanager
    def write(self) -> Iterator[IndexWriter]:
        with self.there().index.write() as writer:
            yield writer

    def examine(self) -> list[Finding]:
        return self.there().index.examine()

    def close(self) -> None:
        self._saved.close()
        if self._back is not None:
            self._back.close()

    def there(self) -> Registry:
        """The registry itself.

        Raises:
            Unavailable: it is still away.
        """
        if (back := self.registry()) is None:
            raise Unavailable(f"the registry is away: {self.failure}")
        return back


class _Keyless:
    """A reader of a state so old that the keys in it may have been taken back since."""

    def __init__(self, reader: IndexReader) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def one(self, kind: type[Any], /, **key: object) -> Any:
        """See `IndexReader.one`."""
        if kind is AccessKey:
            raise Unavailable("the keys that were saved are too old to be believed")
        return self._reader.one(kind, **key)


class WaitingBlobs:
    """The bytes of a registry that was away at the start: none until it is back."""

    def __init__(self, index: WaitingIndex) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index.there().blobs, name)

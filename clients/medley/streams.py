"""An answer's text, piece by piece, over a connection that is closed when it is left."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from medley.chats import ChatAnswer, PieceReader
from medley.errors import Unreachable

if TYPE_CHECKING:
    import httpx

Failures = Callable[[], AbstractContextManager[None]]
"""Turns httpx's errors into ours."""


class _Stream:
    """What both kinds of streams know."""

    def __init__(self, response: "httpx.Response") -> None:
        self._response = response
        self._reader = PieceReader(response.headers)

    @property
    def answer(self) -> ChatAnswer:
        """What came so far; the model's name comes with the first piece."""
        return self._reader.answer


class TextStream(_Stream):
    """Pieces of text, each once; a context manager, which stops the answer when it is left.

    ::

        with client.chat("Hello", "note", stream=True) as stream:
            for piece in stream:
                print(piece, end="", flush=True)
        print(stream.answer.model)  # note:7

    Outside of a `with` block a stream that is read to its end, or is no longer used by anybody,
    is closed as well.
    """

    def __init__(self, response: "httpx.Response", *, failures: Failures) -> None:
        super().__init__(response)
        self._pieces = _read(response, self._reader, failures)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return next(self._pieces)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Stop the answer; the server stops its work for it."""
        self._pieces.close()
        self._response.close()


class AsyncTextStream(_Stream):
    """`TextStream` with `async with` and `async for`.

    Use `async with`: nothing else closes the connection of an answer that is not read to its end.
    """

    def __init__(self, response: "httpx.Response", *, failures: Failures) -> None:
        super().__init__(response)
        self._pieces = _aread(response, self._reader, failures)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Stop the answer; the server stops its work for it."""
        await self._pieces.aclose()
        await self._response.aclose()


# No methods: a generator that holds the stream it belongs to would keep it from being closed.


def _read(
    response: "httpx.Response", reader: PieceReader, failures: Failures
) -> Generator[str, None, None]:
    try:
        with failures():
            for piece in response.iter_bytes():
                yield from reader.feed(piece)
                if reader.is_complete:
                    return
        raise _broken_off()
    finally:
        response.close()


async def _aread(
    response: "httpx.Response", reader: PieceReader, failures: Failures
) -> AsyncGenerator[str, None]:
    try:
        with failures():
            async for piece in response.aiter_bytes():
                for text in reader.feed(piece):
                    yield text
                if reader.is_complete:
                    return
        raise _broken_off()
    finally:
        await response.aclose()


def _broken_off() -> Unreachable:
    """An answer that just stops is not taken for a whole one."""
    return Unreachable("the answer broke off before its end", was_sent=True)

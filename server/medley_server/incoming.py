"""A request's body as it comes in: in pieces worth a thread's while, up to a limit."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from medley_server.errors import BadRequest, BodyTooLarge, UploadTooSlow


async def pieces(
    request: Request,
    *,
    limit_bytes: int,
    patience_s: float,
    longest_s: float = float("inf"),
    piece_bytes: int = 1 << 20,
) -> AsyncIterator[bytes]:
    """The body, piece by piece.

    Args:
        request: whose body nobody has read.
        limit_bytes: the longest body.
        patience_s: how long it may send nothing.
        longest_s: how long it may take as a whole.
        piece_bytes: the least length of all pieces but the last.

    Raises:
        BadRequest: the caller left.
        BodyTooLarge, UploadTooSlow: it is cut off.
    """
    stream = request.stream()
    gathered, total, until = bytearray(), 0, time.monotonic() + longest_s
    while True:
        try:
            async with asyncio.timeout(min(patience_s, until - time.monotonic())):
                chunk = await anext(stream, b"")
        except TimeoutError as error:
            raise UploadTooSlow(_too_slow(patience_s, longest_s)) from error
        except ClientDisconnect as error:
            raise BadRequest("The caller left before the body was complete.") from error
        total += len(chunk)
        if total > limit_bytes:
            raise BodyTooLarge(f"The body is longer than {limit_bytes} bytes.")
        gathered += chunk
        if gathered and (not chunk or len(gathered) >= piece_bytes):
            yield bytes(gathered)
            gathered.clear()
        if not chunk:
            return


def _too_slow(patience_s: float, longest_s: float) -> str:
    whole = f", or not all of it in {longest_s:g} s" if longest_s < float("inf") else ""
    return f"Nothing came in for {patience_s:g} s{whole}."

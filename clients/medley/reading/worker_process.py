"""A worker, as the process sees it that starts it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

from medley.reading.errors import CorruptDocument
from medley.reading.messages import HEAD, Message, packed

_MAX_ANSWER_BYTES = 1 << 28
_LAST_WORDS_S = 5.0
# One thread each: several workers share the cores.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class WorkerProcess:
    """A running worker. After an error or a cancelled question it is gone."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._is_well = True

    @classmethod
    async def start(cls, memory_bytes: int) -> "WorkerProcess":
        """Start one; it needs a moment until its first answer."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "medley.reading.worker",
            str(os.getpid()),
            str(memory_bytes),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # decoders write there, and may quote the document
            env={**os.environ, **_THREADS},
        )
        return cls(process)

    @property
    def is_well(self) -> bool:
        """Whether it can be asked."""
        return self._is_well and self._process.returncode is None

    async def ask(self, message: Message, *, within_s: float) -> tuple[Message, bytes]:
        """Have something done.

        Raises:
            CorruptDocument: The worker crashed over it, or was ended because it took too long.
        """
        self._is_well = False  # until it has answered; also when this is cancelled
        try:
            async with asyncio.timeout(within_s):
                answer, blob = await self._exchange(message)
        except TimeoutError:
            self.kill()
            raise CorruptDocument(f"it takes longer than {within_s:g} s to read") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise CorruptDocument(await self._cause()) from None
        except BaseException:
            self.kill()
            raise
        self._is_well = not answer.get("is_last", False)
        return answer, blob

    async def _exchange(self, message: Message) -> tuple[Message, bytes]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(packed(message))
        await self._process.stdin.drain()
        size, blob_size = HEAD.unpack(await self._process.stdout.readexactly(HEAD.size))
        if size + blob_size > _MAX_ANSWER_BYTES:
            raise ConnectionError("an answer that no worker gives")
        body = await self._process.stdout.readexactly(size)
        return json.loads(body), await self._process.stdout.readexactly(blob_size)

    async def _cause(self) -> str:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _LAST_WORDS_S)
        self.kill()
        code = await self._process.wait()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"reading it crashed the reader ({name})"

    def kill(self) -> None:
        """End it at once."""
        self._is_well = False
        if self._process.returncode is None:
            # Not `Process.kill`, which may reap it while asyncio's own watcher waits for it.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def gone(self) -> None:
        """End it and wait until it has."""
        self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

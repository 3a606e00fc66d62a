"""Questions about documents wait for their turns at the engine, as all requests do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from medley_registry import Version

from medley_server.admission import Admission
from medley_server.extraction.analysis import closed
from medley_server.extraction.completer import Completer
from medley_server.extraction.question import Completion, Question, Size

OnTokens = Callable[[Version | None, str, int, int], None]
"""The version, the name of what answered (the base's own), tokens read and tokens written."""


def unheard(_version: Version | None, _name: str, _read: int, _written: int) -> None:
    """Where nobody counts."""


class InTurn:
    """Keeps the contract of `Completer`.

    A turn is taken for each question and not for a document: while a document is read or between
    its questions it keeps no adapter's slot from others, and no document waits for another while
    it has what that one waits for. A question is owed its turn: its document was accepted, there
    are as many documents as `--extractions` says, and refusing the last question would waste all
    those before.
    """

    def __init__(
        self, completer: Completer, admission: Admission, on_tokens: OnTokens = unheard
    ) -> None:
        """Asks `completer`; `on_tokens` is told what each answer cost, streams apart."""
        self._completer = completer
        self._admission = admission
        self._on_tokens = on_tokens

    async def complete(self, question: Question) -> Completion:
        """See `Completer.complete`."""
        async with self._turn(question):
            completion = await self._completer.complete(question)
        model = question.model
        self._on_tokens(
            model.version, model.reference, completion.input_tokens, completion.output_tokens
        )
        return completion

    async def stream(self, question: Question) -> AsyncIterator[bytes]:
        """See `Completer.stream`."""
        stream = self._completer.stream(question)
        async with self._turn(question):
            try:
                async for event in stream:
                    yield event
            finally:
                await closed(stream)

    async def size(self, question: Question) -> Size:
        """See `Completer.size`; the engine generates nothing for it."""
        return await self._completer.size(question)

    def _turn(self, question: Question) -> AbstractAsyncContextManager[None]:
        model = question.model
        is_base = model.served.adapter is None
        name = None if is_base else model.engine_name
        return self._admission.turn(name, model.reference, is_owed=True)

"""Questions about documents wait for their turns at the engine, as all requests do."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from medley_registry import Version

from medley_server.admission import Admission
from medley_server.extraction.analysis import closed
from medley_server.extraction.completer import Completer
from medley_server.extraction.question import Completion, Question, Size
from medley_server.limits.asked import estimated_tokens
from medley_server.limits.meter import Meter
from medley_server.limits.paying import PAYER

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
    those before. Each answer is paid for by whoever sent the document.
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
            with _paid(question) as meter:
                completion = await self._completer.complete(question)
                meter.tell(completion.input_tokens + completion.output_tokens)
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
                with _paid(question) as meter:
                    async for event in stream:
                        meter.count(event)
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


@contextmanager
def _paid(question: Question) -> Iterator[Meter]:
    """Has a question paid for: what its answer tells, or the prompt where nobody stayed for one."""
    pay, prompt = PAYER.get(), estimated_tokens(list(question.messages))
    meter, untold = Meter(prompt), prompt
    try:
        yield meter
    except Exception:  # the engine failed, which is nobody's to pay
        untold = 0
        raise
    finally:
        pay(untold if meter.tokens is None else meter.tokens)

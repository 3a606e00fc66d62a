"""What the demo shows, step by step, and what it checks while it does."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import openai
from medley import Client, MedleyError
from medley_registry import Registry, Version

from medley_server.demo.reply import Reply
from medley_server.demo.scanned_page import MEDICATION_REVIEW, READ_FROM
from medley_server.demo.showcase import DOCUMENTS, PLAIN_WORDS, TRIAGE_NOTE, ShownAdapter
from medley_server.demo.stage import Stage

ACTOR = "medley demo"
PROMOTE_AFTER_CHUNKS = 12
SERVED_WITHIN_S = 10.0


@dataclass(slots=True)
class Story:
    """The steps, on a running server.

    Attributes:
        registry: the one the server follows; this process moves aliases in it.
        client: the `openai` package's client, unchanged.
        documents: Medley's own, which reads documents too.
        stage: where it is shown.
        failures: what did not hold.
        times: label -> seconds, in order.
    """

    registry: Registry
    client: openai.OpenAI
    documents: Client
    stage: Stage
    failures: list[str] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)

    def tell(self, base: str) -> None:
        """All steps; what fails is noted and does not stop the rest."""
        steps: list[tuple[str, Callable[[], None]]] = [
            ("The same question to the base model and to each adapter", partial(self._meet, base)),
            ("Version 2 is promoted while a stream on version 1 is running", self._promote),
            ("And rolled back", self._roll_back),
            (f"A scanned page is read by {DOCUMENTS.name}@production", self._read_a_page),
        ]
        for title, step in steps:
            self.stage.step(title)
            try:
                step()
            except (openai.OpenAIError, MedleyError) as error:
                self._check(False, f"the server answers ({error})")

    def ask(self, model: str, question: str, *, max_tokens: int = 160) -> Reply:
        """One streamed chat at temperature 0."""
        started = time.monotonic()
        first: float | None = None
        name, text = "", []
        with self._stream(model, question, max_tokens) as stream:
            digest = stream.response.headers.get("x-medley-digest", "")
            for chunk in stream:
                name = chunk.model
                if piece := chunk.choices[0].delta.content:
                    first = first or time.monotonic() - started
                    text.append(piece)
        total = time.monotonic() - started
        return Reply(model, question, name, digest, "".join(text), first or total, total)

    def _stream(self, model: str, question: str, max_tokens: int = 160) -> Any:
        return self.client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": question}],
            temperature=0,
            max_tokens=max_tokens,
            stream=True,
        )

    def _chat(self, adapter: ShownAdapter, number: int) -> None:
        reply = self.ask(adapter.name, adapter.question)
        self._show(reply)
        self._check_reply(adapter, number, reply)

    def _meet(self, base: str) -> None:
        self._show(self.ask(base, TRIAGE_NOTE.question))
        for adapter in (TRIAGE_NOTE, PLAIN_WORDS):
            self._chat(adapter, 1)

    def _promote(self) -> None:
        adapter = TRIAGE_NOTE
        old = self.registry.resolve(f"{adapter.name}@production")
        models: set[str] = set()
        text: list[str] = []
        served: Future[float] | None = None
        with (
            ThreadPoolExecutor(1) as beside,
            self._stream(adapter.name, adapter.question) as stream,
        ):
            for number, chunk in enumerate(stream):
                models.add(chunk.model)
                text.append(chunk.choices[0].delta.content or "")
                self.stage.write(text[-1])
                if number == PROMOTE_AFTER_CHUNKS:
                    self.registry.promote(adapter.name, 2, actor=ACTOR)
                    served = beside.submit(self._first_token_of, adapter, 2)
                    self.stage.write_mark(f"{adapter.name}@production -> version 2")
        self.stage.end_line()
        self._check(served is not None, "the stream was still running at the promotion")
        self._check(models == {old.reference}, f"the running stream finished on {old.reference}")
        self._check(adapter.marks[0].is_on("".join(text)), "and its text is version 1's to the end")
        if served is not None:
            self.times["promote -> first token of version 2"] = served.result()
        self._chat(adapter, 2)

    def _roll_back(self) -> None:
        adapter = TRIAGE_NOTE
        self.registry.rollback(adapter.name, actor=ACTOR)
        label = "rollback -> first token of version 1"
        self.times[label] = self._first_token_of(adapter, 1)
        self._chat(adapter, 1)

    def _read_a_page(self) -> None:
        page = MEDICATION_REVIEW
        started = time.monotonic()
        with self.stage.waiting(f"reading {page.picture.name} (half a minute on two cores)"):
            read = self.documents.extract(page.picture, outputs=("record", "text"))
        self.times["a scanned page -> its record"] = time.monotonic() - started
        self.stage.document(page.picture.name, read)
        wanted = self.registry.resolve(f"{DOCUMENTS.name}@production")
        self._check(read.model.adapter == wanted.reference, f"read by {wanted.reference}")
        right, of = page.values_right(read)
        is_read = right >= READ_FROM * of
        self._check(is_read, f"{right} of the {of} values printed there are in the right place")

    def _first_token_of(self, adapter: ShownAdapter, number: int) -> float:
        """Asks the alias until that version answers; seconds from now to its first token."""
        started = time.monotonic()
        wanted = f"{adapter.name}:{number}"
        while time.monotonic() - started < SERVED_WITHIN_S:
            if self.ask(adapter.name, adapter.question, max_tokens=1).by == wanted:
                return time.monotonic() - started
        return float("inf")

    def _check_reply(self, adapter: ShownAdapter, number: int, reply: Reply) -> None:
        wanted: Version = self.registry.resolve(f"{adapter.name}:{number}")
        self._check(
            (reply.by, reply.digest) == (wanted.reference, str(wanted.digest)),
            f"answered by {wanted.reference}, {wanted.digest.hex[:12]}",
        )
        self._check(adapter.marks[number - 1].is_on(reply.text), f"and it shows version {number}")

    def _show(self, reply: Reply) -> None:
        self.times.setdefault(f"first token, {reply.by}", reply.first_s)
        self.stage.chat(reply)

    def _check(self, holds: bool, what: str) -> None:
        self.stage.check(holds, what)
        if not holds:
            self.failures.append(what)

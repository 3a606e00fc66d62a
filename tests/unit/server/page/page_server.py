"""A server of its own for tests in a browser: the whole front, with an engine that knows the truth.

Usage: python -m tests.unit.server.page.page_server FOLDER [KEY]; writes a document into the folder
and its port on stdout, then serves until it is ended.
"""

import asyncio
import json
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvicorn
from medley.reading import Readers
from medley.records import SECTIONS, DocumentType, Leaf, MedicalRecord
from medley_registry import Registry, open_registry
from medley_server.document_app import create_document_app
from medley_server.document_uploads import DocumentUploads
from medley_server.engine.fake import FakeEngine
from medley_server.extraction.asking import Asking
from medley_server.extraction.pipeline import Pipeline
from medley_server.extraction.question import Question
from medley_server.extraction.served_models import ServedModels
from medley_server.extraction_settings import ExtractionSettings
from medley_server.gateway import Documents, Gateway
from medley_server.jobs.opening import INCOMING, open_desk
from medley_server.observing import open_observing
from medley_server.page import open_page
from medley_server.registry_app import create_registry_app
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings
from medley_training.documents.document import Document, generate
from medley_training.documents.layout import laid_out
from medley_training.documents.pdf import as_pdf
from medley_training.documents.variation import style_of

from tests.builders import TINY, make_adapter, make_base
from tests.unit.server.extraction.rule_engine import RuleEngine, asked

DOCUMENT = "document.pdf"
LIMIT_BYTES = 2_000_000


def sample_documents() -> list[Document]:
    """A panel of labs and a list of medications."""
    kinds = (DocumentType.LAB_PANEL, DocumentType.MEDICATION_RECONCILIATION)
    return [generate(7, document_type=kind, style="lakeside", length="full") for kind in kinds]


def sample_pdf() -> bytes:
    """Both, one behind the other."""
    style = style_of("lakeside")
    pages = [page for one in sample_documents() for page in laid_out(one.blocks, style)]
    return as_pdf(pages, title="sample")


class TrueEngine:
    """Copies what a segment says of the truth; the first version of `documents` loses a digit."""

    def __init__(self, truths: list[MedicalRecord]) -> None:
        self._truths = truths

    def __call__(self, question: Question) -> str:
        said = asked(question)
        answer: dict[str, list[dict[str, Any]]] = {}
        for truth in self._truths:
            for section in SECTIONS:
                for row in getattr(truth, section):
                    if _is_in(row.name.text, said):
                        answer.setdefault(section, []).append(_copied(row, said))
        if question.model.reference == "documents:1":
            for lab in answer.get("labs", []):
                if lab["name"] == "Potassium":
                    lab["value"] = lab["value"][:-1]
                if lab["name"] == "Sodium":
                    lab.pop("unit", None)
        return json.dumps(answer, separators=(",", ":"))


def _is_in(text: str, said: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(text)}(?![\w.])", said) is not None


def _copied(row: Any, said: str) -> dict[str, Any]:
    leaves = {name: getattr(row, name) for name in type(row).model_fields}
    return {
        name: leaf.text
        for name, leaf in leaves.items()
        if isinstance(leaf, Leaf) and leaf.text and _is_in(leaf.text, said)
    }


class Talker:
    """Stands for vLLM's app: answers a chat word by word, and browsers' questions."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "OPTIONS" or scope["path"] != "/v1/chat/completions":
            status = 200 if scope["path"] == "/metrics" else 204
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        request = json.loads((await receive())["body"])
        kind = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        words = f"You said: {request['messages'][-1]['content']} Rest, and drink enough.".split(" ")
        for word in words:
            await self._say(send, {"content": f"{word} "}, request["model"])
            await asyncio.sleep(0.02)
        await self._say(send, {}, request["model"], finish="stop")
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    async def _say(
        self, send: Any, delta: Mapping[str, str], model: str, finish: str | None = None
    ) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        event = {"id": "c", "object": "chat.completion.chunk", "model": model, "choices": [choice]}
        body = f"data: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": True})


def fill(registry: Registry, folder: Path) -> None:
    registry.add_base(TINY, make_base(folder / "base"), actor="test")
    for number in (1, 2):
        made = make_adapter(folder / f"documents{number}", fill=number)
        registry.publish(made, name="documents", base=TINY, actor="test", round=number)
    registry.promote("documents", 2, actor="test")
    made = make_adapter(folder / "triage", fill=9)
    registry.publish(made, name="triage-note", base=TINY, actor="test", round=1)
    registry.promote("triage-note", 1, actor="test")


async def main(folder: Path, api_keys: tuple[str, ...]) -> None:
    (folder / DOCUMENT).write_bytes(sample_pdf())
    with open_registry(folder / "registry", create=True) as registry:
        fill(registry, folder)
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = ServeSettings(
            base=TINY,
            registry=str(folder / "registry"),
            host="127.0.0.1",
            port=port,
            api_keys=api_keys,
            max_loras=None,
            cache=folder / "cache" / "adapters",
            extraction=ExtractionSettings(max_upload_bytes=LIMIT_BYTES),
        )
        await serve(registry, settings, listening)


async def serve(registry: Registry, settings: ServeSettings, listening: socket.socket) -> None:
    engine = FakeEngine()
    base = ServedBase.as_it_is(registry.base(TINY))
    service = Service(registry, base, engine, settings)
    talker = Talker()
    limits = settings.extraction
    rule = TrueEngine([one.truth for one in sample_documents()])
    looking_on = open_observing(service, access_log="none", environment={})
    async with looking_on as observing, service.running(), Readers(1) as readers:
        completer = RuleEngine(rule, chance=0.985)
        models = ServedModels(service, base, engine)
        extractor = Pipeline(readers, Asking(completer), models)
        async with (
            open_desk(settings.jobs, extractor, limits) as desk,
            open_page(settings) as page,
        ):
            uploads = DocumentUploads(settings.jobs / INCOMING, limit_bytes=limits.max_upload_bytes)
            app = create_document_app(desk, extractor, uploads, limits)
            gateway = Gateway(
                talker,
                service=service,
                api_keys=settings.api_keys,
                max_body_bytes=settings.max_body_bytes,
                registry_app=create_registry_app(registry, uploads=settings.uploads),
                documents=Documents(app, lambda: {**desk.turns.row, "limits": limits.rows}),
                page=page,
                metrics=observing.metrics,
            )
            config = uvicorn.Config(observing.around(gateway), lifespan="off", log_level="warning")
            print(settings.port, flush=True)
            await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), tuple(sys.argv[2:])))

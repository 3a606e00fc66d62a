"""The tab for documents: what is asked, the page with its boxes, and the values."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from medley.records import DocumentType
from medley.results import Extraction

from medley_server.page.asking_api import Api, notice, telling, visit_of
from medley_server.page.edited import EditRefused, as_json
from medley_server.page.reading_document import extracted
from medley_server.page.results_view import actions, drawn_page, results, text_of
from medley_server.page.wording import titled

if TYPE_CHECKING:
    from medley.reading import Readers

    from medley_server.page.findings import Findings

_DROP = """<div class=md-drop><input type=file id=md-file class=md-out
accept=".pdf,.png,.jpg,.jpeg,.webp,.tif,.tiff,.dcm,application/pdf,image/*">
<label for=md-file><b>Drop a document here</b><span>or choose a file: PDF, PNG, JPEG, WebP, TIFF,
DICOM with a PDF</span><span class=md-file-name id=md-file-name></span></label>
<div id=md-sent role=status></div></div>"""
_EMPTY = """<div class=md-empty><p><b>No document yet</b></p><p>What is read appears here: each page
with a box around every value, and the values beside it.</p></div>"""
_DETAIL = """<aside class=md-detail id=md-detail aria-label="The value that is pointed at">
<p class=md-hint>Point at a value, or go to it with the Tab key, to see where it was read.</p>
</aside>"""
_GONE = "The document is not here any more: it is kept for half an hour. Drop it again."
_PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class DocumentTab:
    """Components and what they do.

    Attributes:
        adapter: Who reads; its choices come from the server.
        other: Who reads the same, to be compared.
    """

    def __init__(self, api: Api, findings: "Findings", readers: "Readers") -> None:
        self._api = api
        self._findings = findings
        self._readers = readers
        with gr.Row(elem_id="md-work"):
            with gr.Column(elem_id="md-ask"):
                self._ask()
            with gr.Column(elem_id="md-see"):
                self._page = gr.HTML(
                    _EMPTY,
                    elem_id="md-page",
                    js_on_load="window.medley.page(element, (d) => trigger('turn', d), watch)",
                    apply_default_css=False,
                )
            with gr.Column(elem_id="md-know"):
                self._summary = gr.HTML("", elem_id="md-summary", apply_default_css=False)
                gr.HTML(_DETAIL, elem_id="md-pointed", apply_default_css=False)
                self._table = gr.HTML("", elem_id="md-table", apply_default_css=False)
                self._actions = gr.HTML(
                    "",
                    elem_id="md-actions",
                    js_on_load="window.medley.actions(element, (d) => trigger('keep', d))",
                    apply_default_css=False,
                )
                self._text = gr.HTML("", elem_id="md-text", apply_default_css=False)
        self._file = gr.HTML(
            None,
            html_template="",
            js_on_load="watch('value', () => window.medley.save(props.value))",
            elem_id="md-save",
        )
        self._wire()

    def _ask(self) -> None:
        gr.HTML(
            _DROP,
            elem_id="md-drop",
            js_on_load="window.medley.drop(element)",
            apply_default_css=False,
        )
        kinds = [("Automatic", "auto"), *((titled(kind), kind.value) for kind in DocumentType)]
        self._kind = gr.Dropdown(kinds, value="auto", label="Kind of document")
        self.adapter = gr.Dropdown([("The server's choice", "auto")], value="auto", label="Read by")
        self.other = gr.Dropdown([("Nothing", "")], value="", label="Compare with")
        with gr.Accordion("More options", open=False):
            self._pages = gr.Textbox(label="Pages", placeholder="all, or such as 1-3,5")
            self._outputs = gr.CheckboxGroup(
                [("FHIR bundle", "fhir"), ("Text of the pages", "text")],
                value=["fhir"],
                label="Also give",
            )
            self._grounding = gr.Dropdown(
                [
                    ("Mark it", "best_effort"),
                    ("Leave it out", "required"),
                    ("Do not look for values", "off"),
                ],
                value="best_effort",
                label="What is nowhere on the page",
            )
            self._schema = gr.Textbox(
                label="A JSON Schema of your own", lines=5, placeholder='{"type": "object", …}'
            )
        self._read = gr.Button("Read document", variant="primary", elem_id="md-read")
        self._stop = gr.Button("Stop", elem_id="md-stop")
        self._status = gr.HTML(
            "",
            elem_id="md-status",
            js_on_load="element.setAttribute('role', 'status')",
            apply_default_css=False,
        )

    def _wire(self) -> None:
        shown = [self._status, self._summary, self._page, self._table, self._actions, self._text]
        asked = {self._kind, self.adapter, self.other, self._pages, self._outputs}
        told = telling(self._status)
        reading = self._read.click(
            told(self._extract), asked | {self._grounding, self._schema}, shown, **_PRIVATE
        )
        self._stop.click(
            lambda: notice("warn", "Stopped."), None, self._status, cancels=[reading], **_PRIVATE
        )
        self._page.turn(told(self._turn), None, [self._status, self._page], **_PRIVATE)
        self._actions.keep(told(self._keep), None, [self._status, self._file], **_PRIVATE)

    async def _extract(
        self, asked: dict[Any, Any], request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        visit = visit_of(request)
        if (document := self._findings.document(visit)) is None:
            yield {self._status: notice("warn", "Drop a document first.")}
            return
        choices = self._choices(asked)
        async with self._api.client(request) as client:
            async for told in extracted(client, document, choices):
                if isinstance(told, str):
                    yield {self._status: notice("busy", told)}
                else:
                    self._findings.keep(visit, told)
                    yield await self._results(visit, told)

    def _choices(self, asked: dict[Any, Any]) -> list[dict[str, Any]]:
        """What is asked of one version, or of two."""
        options: dict[str, Any] = {
            "document_type": asked[self._kind],
            "outputs": ["record", *asked[self._outputs]],
            "grounding": asked[self._grounding],
            "pages": (asked[self._pages] or "").strip() or None,
            "schema": _schema_in(asked[self._schema] or ""),
        }
        readers = dict.fromkeys([asked[self.adapter], asked[self.other] or asked[self.adapter]])
        return [{**options, "adapter": None if one == "auto" else one} for one in readers]

    async def _results(self, visit: str, found: Sequence[Extraction]) -> dict[Any, Any]:
        summaries, table = results(found)
        first = next((one.n for one in found[0].document.pages if one.status == "read"), 1)
        return {
            self._status: notice("ok", "Read. The values are beside the page."),
            self._summary: summaries,
            self._page: await self._drawn(visit, found, first),
            self._table: table,
            self._actions: actions(found),
            self._text: text_of(found[0]),
        }

    async def _drawn(self, visit: str, found: Sequence[Extraction], number: int) -> str:
        return await drawn_page(self._findings.document(visit), found, number, self._readers)

    async def _turn(
        self, request: gr.Request, event: gr.EventData
    ) -> AsyncIterator[dict[Any, Any]]:
        visit = visit_of(request)
        if not (found := self._findings.of(visit)):
            yield {self._status: notice("warn", _GONE)}
            return
        number = int(event._data["page"])
        yield {self._page: await self._drawn(visit, found, number)}

    async def _keep(
        self, request: gr.Request, event: gr.EventData
    ) -> AsyncIterator[dict[Any, Any]]:
        visit = visit_of(request)
        if not (found := self._findings.of(visit)):
            yield {self._status: notice("warn", _GONE)}
            return
        asked = event._data
        extraction, edits = found[0], dict(asked["edits"])
        if asked["what"] == "fhir":
            text = json.dumps(extraction.fhir, indent=2, ensure_ascii=False) + "\n"
            said = "Saved. The bundle is of what was read" + (
                ", without your edits." if edits else "."
            )
        else:
            text = as_json(extraction, edits)
            said = f"Saved, with {len(edits)} edited." if edits else "Saved."
        file = {"name": f"{extraction.id}.{asked['what']}.json", "text": text}
        yield {self._file: file, self._status: notice("ok", said)}


def _schema_in(text: str) -> Any:
    if not text.strip():
        return None
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise EditRefused(f"The schema is not JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise EditRefused("The schema must be a JSON object.")
    return schema

"""The header, the field for a key, and what is asked of the server when the page opens."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from medley.server_calls import ListedModel

from medley_server.page.asking_api import Api, telling
from medley_server.page.chat_tab import ChatTab
from medley_server.page.document_tab import DocumentTab
from medley_server.page.server_tab import ServerTab
from medley_server.page.server_view import server_view

_HEADER = """<header class=md-header>
<div><h1>Medley</h1><p>Medical documents to records, with the place of every value</p></div>
<form id=md-key hidden><label for=md-key-field>Access key</label>
<input id=md-key-field type=password autocomplete=off spellcheck=false placeholder="mdl_…">
<button type=submit>Use key</button><button type=button id=md-key-forget hidden>Forget key</button>
<p id=md-key-said role=alert></p></form></header>"""


class Welcome:
    """Asks who can be asked, once the visitor may know."""

    def __init__(self, api: Api) -> None:
        self._api = api
        gr.HTML(_HEADER, js_on_load="window.medley.enter(element)", apply_default_css=False)
        self._opened = gr.HTML(
            "",
            elem_id="md-opened",
            js_on_load="window.medley.open(() => trigger('ready', {}))",
            apply_default_css=False,
        )
        self._status = gr.HTML("", elem_id="md-greeting", apply_default_css=False)

    def wire(self, documents: DocumentTab, chat: ChatTab, server: ServerTab) -> None:
        """Tells the tabs what there is."""
        outputs = [self._status, documents.adapter, documents.other, chat.model, server.view]

        @telling(self._status)
        async def greet(request: gr.Request) -> AsyncIterator[dict[Any, Any]]:
            async with self._api.client(request) as client:
                choices = choices_of(await client.models())
                yield {
                    self._status: "",
                    documents.adapter: gr.Dropdown(
                        choices=[("The server's choice", "auto"), *choices], value="auto"
                    ),
                    documents.other: gr.Dropdown(choices=[("Nothing", ""), *choices], value=""),
                    chat.model: gr.Dropdown(choices=choices, value=choices[0][1]),
                    server.view: await server_view(client),
                }

        self._opened.ready(greet, outputs=outputs, show_progress="hidden", api_visibility="private")
        server.refresh.click(
            greet, outputs=outputs, show_progress="hidden", api_visibility="private"
        )


def choices_of(models: tuple[ListedModel, ...]) -> list[tuple[str, str]]:
    """Aliases and versions by name, the base last."""
    told = [
        (f"{one.id} → {one.version}" if one.kind == "alias" else one.id, one.id)
        for one in models
        if one.kind != "base"
    ]
    return told + [(f"{one.id} (base alone)", one.id) for one in models if one.kind == "base"]

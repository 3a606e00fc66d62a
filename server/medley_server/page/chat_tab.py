"""The tab for a conversation with an adapter, or with the base."""

from collections.abc import AsyncIterator
from html import escape, unescape
from typing import Any

import gradio as gr

from medley_server.page.asking_api import Api, notice, telling

_PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_STEP_CHARACTERS = 24


class ChatTab:
    """`model`: who answers; its choices come from the server."""

    def __init__(self, api: Api) -> None:
        self._api = api
        with gr.Column(elem_id="md-chat"):
            with gr.Row():
                self.model = gr.Dropdown([], label="Answered by", scale=3)
                self._temperature = gr.Slider(
                    0, 1.5, value=0, step=0.1, label="Temperature", scale=2
                )
            self._said = gr.Chatbot(
                label="Conversation",
                height=420,
                buttons=[],
                render_markdown=False,
                elem_id="md-conversation",
                placeholder="Nothing was said yet.",
            )
            self._text = gr.Textbox(label="Your message", lines=2, elem_id="md-message")
            with gr.Row():
                self._send = gr.Button("Send", variant="primary")
                self._stop = gr.Button("Stop")
                self._clear = gr.Button("New conversation")
            self._status = gr.HTML(
                "",
                elem_id="md-chat-status",
                js_on_load="element.setAttribute('role', 'status')",
                apply_default_css=False,
            )
        self._wire()

    def _wire(self) -> None:
        told = telling(self._status)(self._answer)
        inputs = [self._text, self._said, self.model, self._temperature]
        outputs = [self._text, self._said, self._status]
        answering: list[Any] = [
            event(told, inputs, outputs, **_PRIVATE)
            for event in (self._send.click, self._text.submit)
        ]
        self._stop.click(
            lambda: notice("warn", "Stopped."), None, self._status, cancels=answering, **_PRIVATE
        )
        self._clear.click(
            lambda: ([], ""), None, [self._said, self._status], cancels=answering, **_PRIVATE
        )

    async def _answer(
        self,
        text: str,
        said: list[dict[str, Any]],
        model: str,
        temperature: float,
        request: gr.Request,
    ) -> AsyncIterator[dict[Any, Any]]:
        if not text.strip():
            return
        asked = [*map(_plain, said), {"role": "user", "content": text}]
        yield {
            self._text: "",
            self._said: _shown(asked),
            self._status: notice("busy", "Answering."),
        }
        answer = ""
        async with (
            self._api.client(request) as client,
            await client.chat(asked, model, stream=True, temperature=temperature) as stream,
        ):
            sent = 0
            async for piece in stream:
                answer += piece
                if len(answer) - sent >= _STEP_CHARACTERS:
                    sent = len(answer)
                    yield {self._said: _shown([*asked, _answered(answer)])}
            by = stream.answer.model
        yield {
            self._said: _shown([*asked, _answered(answer)]),
            self._status: notice("ok", f"Answered by {by}."),
        }


def _answered(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _shown(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """As Gradio takes them: it shows HTML, and what is said here is text."""
    return [{**message, "content": escape(message["content"])} for message in messages]


def _plain(message: dict[str, Any]) -> dict[str, str]:
    """A message as the API takes it; Gradio has it in parts."""
    content = message["content"]
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content)
    return {"role": message["role"], "content": unescape(content)}

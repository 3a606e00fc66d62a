"""The tab that shows what the server does now, again and again while somebody looks."""

from typing import Any

import gradio as gr
from medley import MedleyError

from medley_server.page.asking_api import Api
from medley_server.page.live_view import failed_view, live_view

EVERY_S = 3.0


class LiveTab:
    """Begins to look when it is opened first; the box stops it, and starts it again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._goes_on = gr.Checkbox(
            value=True, label=f"Look again every {EVERY_S:g} seconds", elem_id="md-live-on"
        )
        self._view = gr.HTML("", elem_id="md-live", apply_default_css=False)
        self._timer = gr.Timer(EVERY_S, active=False)

    def wire(self, tab: Any) -> None:
        """Looks when the tab is opened, and at each tick from then on."""

        async def look(goes_on: bool, request: gr.Request) -> Any:
            # Answers may overtake each other, so that a timer told to stop may be started again.
            if not goes_on:
                return gr.skip()
            return await look_once(request)

        async def look_once(request: gr.Request) -> str:
            try:
                async with self._api.client(request) as client:
                    health = await client.health()
                return live_view(health, await self._api.metrics(request))
            except MedleyError as error:
                return failed_view(str(error))

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        tab.select(look_once, outputs=[self._view], **quiet)
        self._timer.tick(look, inputs=[self._goes_on], outputs=[self._view], **quiet)
        gr.on(
            [tab.select, self._goes_on.change],
            lambda goes_on: gr.Timer(active=goes_on),
            inputs=[self._goes_on],
            outputs=[self._timer],
            **quiet,
        )

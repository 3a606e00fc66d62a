"""The tab that shows the server: adapters, versions, aliases, benchmarks, health."""

import gradio as gr


class ServerTab:
    """`view` is filled when the page opens, and by `refresh`."""

    def __init__(self) -> None:
        self.refresh = gr.Button("Refresh", elem_id="md-refresh")
        self.view = gr.HTML("", elem_id="md-server", apply_default_css=False)

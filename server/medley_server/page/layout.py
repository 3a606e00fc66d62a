"""The page: a header, and a tab each for documents, conversation, and the server."""

from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.themes import Base, Color
from gradio.themes.utils.sizes import radius_sm, spacing_md, text_md

from medley_server.page.asking_api import Api
from medley_server.page.chat_tab import ChatTab
from medley_server.page.document_tab import DocumentTab
from medley_server.page.live_tab import LiveTab
from medley_server.page.server_tab import ServerTab
from medley_server.page.welcome import Welcome

if TYPE_CHECKING:
    from medley.reading import Readers

    from medley_server.page.findings import Findings

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
_TEAL = Color(
    c50="#eef6f8", c100="#d8eaef", c200="#b3d5df", c300="#82b9c8", c400="#4a96ab",
    c500="#1f768f", c600="#0b5d76", c700="#094b60", c800="#083d4e", c900="#06303e", c950="#041f29",
)  # fmt: skip
_SLATE = Color(
    c50="#f4f7f8", c100="#e9eef1", c200="#d5dde2", c300="#b7c3cb", c400="#83939f",
    c500="#566773", c600="#435360", c700="#33424e", c800="#22303b", c900="#16242f", c950="#0d171f",
)  # fmt: skip


def page_blocks(findings: "Findings", readers: "Readers", server: str) -> gr.Blocks:
    """All of it, asking the server at an address."""
    api = Api(server)
    blocks = gr.Blocks(title="Medley", analytics_enabled=False)
    with blocks:
        welcome = Welcome(api)
        with gr.Tabs(elem_id="md-tabs"):
            with gr.Tab("Documents"):
                documents = DocumentTab(api, findings, readers)
            with gr.Tab("Chat"):
                chat = ChatTab(api)
            with gr.Tab("Adapters and benchmarks"):
                servers = ServerTab()
            with gr.Tab("Live") as tab:
                live = LiveTab(api)
        live.wire(tab)
        welcome.wire(documents, chat, servers)
    # The API has limits of its own, and says so.
    blocks.queue(api_open=False, default_concurrency_limit=None, max_size=256)
    _mounted(blocks)
    return blocks


def _mounted(blocks: Any) -> None:
    """What `gradio.mount_gradio_app` sets; that one also takes a place in an app of FastAPI's."""
    blocks.dev_mode = False
    blocks.run_history = False
    blocks.footer_links = []
    blocks.max_file_size = 0
    blocks.custom_mount_path = "/page"
    blocks.enable_monitoring = False
    blocks.auth = None
    blocks.auth_message = None
    blocks.favicon_path = None
    blocks.allowed_paths = []
    blocks.blocked_paths = []
    blocks.show_error = False
    blocks.ssr_mode = False
    blocks.theme = _theme()
    blocks.css = blocks.js = blocks.head = ""
    blocks.css_paths, blocks.head_paths = [], []
    blocks._set_html_css_theme_variables()
    blocks.config = blocks.get_config_file()
    blocks.validate_queue_settings()
    blocks.transpile_to_js()


def _theme() -> Base:
    return Base(
        primary_hue=_TEAL,
        secondary_hue=_TEAL,
        neutral_hue=_SLATE,
        font=_FONT,
        font_mono=_MONO,
        text_size=text_md,
        spacing_size=spacing_md,
        radius_size=radius_sm,
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        input_background_fill="white",
        input_border_color="*neutral_400",
        input_border_width="1px",
        block_label_text_color="*neutral_700",
        block_info_text_color="*neutral_600",
        input_placeholder_color="*neutral_500",
    )

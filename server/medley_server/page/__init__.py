"""The web page at `/`: a client of the server's own HTTP API, made of Gradio's parts.

::

    browser ── gateway ── web_page ──(Unix socket)── process: Gradio, layout, tabs
                  └──────── the API ◄───(loopback)────┘ the SDK, with the visitor's own key

Gradio has a process of its own, started when somebody first looks: importing it holds an event
loop up for half a second at a time, and the server has tokens to stream. The server's process
keeps what is dropped (`visits`), lets through only what the page needs, and imports none of it.
"""

from medley_server.page.web_page import WebPage, open_page

__all__ = ["WebPage", "open_page"]

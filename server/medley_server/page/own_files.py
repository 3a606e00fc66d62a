"""What the server's process answers itself: our own files, and that the page is starting."""

from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse, Response

_FOLDER = Path(__file__).with_name("static")
_TYPES = {".css": "text/css", ".js": "text/javascript"}
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""No browser sends anything to another host, whatever a document or a model says."""

SECURITY = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

_SAYING = """<!doctype html><html lang=en><meta charset=utf-8><title>Medley</title>
<meta name=viewport content="width=device-width"><style>body{font:16px/1.5 system-ui,sans-serif;
color:#16242f;background:#f4f7f8;display:grid;place-items:center;min-height:90vh;margin:0}</style>
<main role=status><p>"""

STARTING = HTMLResponse(
    f"{_SAYING}The page is starting. This takes a few seconds.",
    503,
    {**SECURITY, "retry-after": "1", "refresh": "1"},
)
FAILED = HTMLResponse(
    f"{_SAYING}The page did not start. The server's log says why; look again to try again.",
    500,
    SECURITY,
)


@cache
def own_file(name: str) -> Response:
    """One of the files beside this module; 404 if it is none."""
    path = _FOLDER / name
    if not path.is_file():
        return Response(status_code=404)
    kind = _TYPES[path.suffix]
    return Response(path.read_bytes(), 200, {**SECURITY, "cache-control": "no-cache"}, kind)

"""Names of routes for labels and logs: a fixed set, whatever paths are asked for."""

import re

_NAMED = re.compile(
    r"(?:/v1)?/(?:extract|analyze|benchmark)"
    r"|/v1/(?:chat/completions|completions|responses|models|events|openapi\.json)"
    r"|/(?:tokenize|detokenize|health|metrics|version)"
)
_FAMILIES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"/v1/jobs(?:/[^/]+)?", "/v1/jobs/*"),
        (r"/v1/access-keys(?:/.*)?", "/v1/access-keys/*"),
        (r"/v1/adapters/[^/]+/aliases(?:/.*)?", "/v1/adapters/*/aliases/*"),
        (r"/v1/adapters/[^/]+/versions(?:/.*)?", "/v1/adapters/*/versions/*"),
        (r"/v1/adapters(?:/[^/]+)?", "/v1/adapters/*"),
        (r"|/page/.*", "/page/*"),
    )
)
OTHER = "other"
"""Whatever is on no list: such a path may be anything that anybody sends."""


def route_of(path: str) -> str:
    """What a path is called, without the parts of it that callers choose."""
    path = path.rstrip("/")
    if _NAMED.fullmatch(path):
        return path
    for pattern, name in _FAMILIES:
        if pattern.fullmatch(path):
            return name
    return OTHER

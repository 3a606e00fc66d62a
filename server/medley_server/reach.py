"""What a caller may not tell vLLM: fields and headers that reach beyond his own request.

vLLM takes them from anybody. They choose what code of the engine is given, whose cached values are
read, who goes first, or which answers of others are continued.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medley_server.errors import FieldForbidden

if TYPE_CHECKING:
    from starlette.types import Scope

FORBIDDEN: Mapping[str, str] = {
    "vllm_xargs": "it speaks to parts inside the engine",
    "kv_transfer_params": "it speaks to parts inside the engine",
    "ec_transfer_params": "it speaks to parts inside the engine",
    "prompt_embeds": "send the text itself",
    "chat_template": "a template is a program, and the base has its own",
    "mm_processor_kwargs": "it changes how much work a picture makes",
    "media_io_kwargs": "it changes how much work a picture makes",
    "priority": "the server says whose turn it is",
    "stream_interval": "a stream comes as its tokens do, and is counted so",
    "request_id": "send the header x-request-id",
    "background": "an answer is given to whoever asked, or not at all",
    "previous_response_id": "answers are not kept; send the conversation",
}
"""Fields of a request's body, and why not."""

STEERING = frozenset(
    {b"x-vllm-priority", b"x-data-parallel-rank", b"x-session-id", b"endpoint-load-metrics-format"}
)
"""Headers that vLLM heeds; they are dropped."""


def check_reach(request: Mapping[str, Any]) -> None:
    """Lets a request pass that speaks of itself alone; what is null, false or 0 says nothing.

    Raises:
        FieldForbidden: it does not.
    """
    for name, why in FORBIDDEN.items():
        if request.get(name):
            raise FieldForbidden(name, why)
    of_template = request.get("chat_template_kwargs")
    if isinstance(of_template, dict) and "chat_template" in of_template:
        raise FieldForbidden("chat_template_kwargs", FORBIDDEN["chat_template"])


def unsteered(scope: "Scope") -> "Scope":
    """The scope without the headers that would steer the engine."""
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in STEERING]
    return {**scope, "headers": kept}

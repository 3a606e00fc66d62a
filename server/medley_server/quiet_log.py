"""vLLM's log without what callers send: its words stay, and what it puts into them does not."""

import logging
import traceback

from medley_server.errors import CannotStart

_OF_REQUESTS = (
    "vllm.connections",
    "vllm.entrypoints.generate",
    "vllm.entrypoints.openai",
    "vllm.entrypoints.serve",
    "vllm.multimodal",
    "vllm.parser",
    "vllm.reasoning",
    "vllm.renderers",
    "vllm.tool_parsers",
    "vllm.v1.structured_output",
)
"""Parts of vLLM that look into requests and answers, and quote them: a message's part that is not
understood, a template's complaint, a prompt."""


class WithoutText(logging.Filter):
    """Keeps the kind and place of an exception, and the fixed words of a line about a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter`; changes the record, so it is for handlers that are vLLM's own."""
        if record.name.startswith(_OF_REQUESTS):
            record.args = None
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, place = record.exc_info
            frames = "".join(traceback.format_tb(place))
            record.exc_text = f"{frames}{kind.__name__} (its text is left out)"
            record.exc_info = None
        return True


def keep_quiet(*loggers: str) -> None:
    """Leaves what callers send out of what these loggers and their handlers write from now on."""
    for name in loggers:
        logger = logging.getLogger(name)
        for one in (logger, *logger.handlers):
            one.addFilter(WithoutText())


def require_quiet(environment: dict[str, str]) -> None:
    """Refuses to start where vLLM is told to log what it answers.

    Raises:
        CannotStart: it is.
    """
    name = "VLLM_DEBUG_LOG_API_SERVER_RESPONSE"
    if environment.get(name, "").lower() == "true":
        raise CannotStart(f"{name} would write answers into the log")

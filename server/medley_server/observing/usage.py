"""The tokens of an answer, as the engine counted them."""

import re

_PROMPT = re.compile(rb'"(?:prompt|input)_tokens"\s*:\s*(\d+)')
_COMPLETION = re.compile(rb'"(?:completion|output)_tokens"\s*:\s*(\d+)')
USAGE = b'"usage"'


def tokens_of(body: bytes) -> tuple[int, int] | None:
    """Tokens of prompt and completion; None where the answer, or this event of it, says nothing.

    Text that a model writes stands inside JSON strings, where quotes are escaped, so what it writes
    is not taken for it. The last one counts: some answers repeat the request before it.
    """
    at = body.rfind(USAGE)
    if at < 0 or (prompt := _PROMPT.search(body, at)) is None:
        return None
    completion = _COMPLETION.search(body, at)
    return int(prompt[1]), int(completion[1]) if completion else 0

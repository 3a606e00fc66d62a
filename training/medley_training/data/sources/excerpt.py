"""The part of a long text that a prompt has room for."""

import re

SENTENCE_END = re.compile(r"[.!?](?=\s)|\n")


def excerpt(text: str, max_characters: int) -> str:
    """The start and the end of a text that is too long, with an ellipsis for what was between.

    An abstract's conclusion and a conversation's plan come last, so the end gets half the room.
    Cuts are moved to the nearest end of a sentence where one lies within the outer half of a part,
    else to a space.
    """
    text = text.strip()
    if len(text) <= max_characters:
        return text
    half = (max_characters - len(" … ")) // 2
    # One character more of the tail: it may be the end of the sentence before.
    head, tail = text[:half], text[-half - 1 :]
    ends = [match.end() for match in SENTENCE_END.finditer(head)]
    starts = [match.end() for match in SENTENCE_END.finditer(tail)]
    stop = ends[-1] if ends and ends[-1] >= half / 2 else head.rfind(" ")
    start = starts[0] if starts and starts[0] <= half / 2 else tail.find(" ")
    return f"{head[: stop if stop > 0 else half].strip()} … {tail[max(1, start) :].strip()}"

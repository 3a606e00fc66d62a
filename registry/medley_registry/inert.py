"""Text from outside, made safe to show: nothing in it acts on a terminal or forges a line."""


def inert(text: str) -> str:
    """Replace control characters, escapes, line breaks and direction marks."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)

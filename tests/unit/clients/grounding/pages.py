"""Pages made of lines of text, each character as wide as every other."""

from medley.pages import Box, Word

CHARACTER, LINE = 0.01, 0.012


def words_of(text: str, *, left: float = 0.05, top: float = 0.05) -> list[Word]:
    """The words of the lines; two spaces or more leave the gap of a table."""
    words = []
    for number, line in enumerate(text.splitlines()):
        y0 = top + number * LINE * 1.3
        start = 0
        for part in line.split(" "):
            x0 = left + start * CHARACTER
            if part:
                words.append(Word(part, Box(x0, y0, x0 + len(part) * CHARACTER, y0 + LINE)))
            start += len(part) + 1
    return words

"""The words of a page as one text, with an index of its tokens."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from medley.grounding.folding import Token, tokens_of
from medley.pages import Box, Word


class PrintedText:
    """Words in one order, joined by spaces.

    Attributes:
        text: The whole text.
        tokens: Of the whole text, in its order.
        positions: Under each token's text, where in `tokens` it is.
    """

    def __init__(self, words: Sequence[Word]) -> None:
        """Index the words, which are in reading order."""
        self._words = words
        self._starts: list[int] = []
        end = 0
        for word in words:
            self._starts.append(end)
            end += len(word.text) + 1
        self.text = " ".join(word.text for word in words)
        self.tokens: list[Token] = tokens_of(self.text)
        self.positions: dict[str, list[int]] = defaultdict(list)
        for index, token in enumerate(self.tokens):
            self.positions[token.text].append(index)

    def words(self, start: int, end: int) -> tuple[Word, ...]:
        """The words that the characters from `start` to before `end` are in."""
        return tuple(self._words[self._word_at(start) : self._word_at(end - 1) + 1])

    def box(self, start: int, end: int) -> Box:
        """Around the characters from `start` to before `end`."""
        first, last = self._word_at(start), self._word_at(end - 1)
        boxes = [word.box for word in self._words[first : last + 1]]
        boxes[-1] = self._cut(last, 0, end - self._starts[last])
        if first == last:
            boxes[0] = self._cut(first, start - self._starts[first], end - self._starts[first])
        else:
            boxes[0] = self._cut(first, start - self._starts[first], len(self._words[first].text))
        return Box.around(boxes)

    def _word_at(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _cut(self, index: int, start: int, end: int) -> Box:
        """A part of a word's box, as if all its characters were equally wide."""
        word = self._words[index]
        x0, y0, x1, y1 = word.box
        share = (x1 - x0) / len(word.text)
        is_whole = start == 0 and end >= len(word.text)
        return word.box if is_whole else Box(x0 + start * share, y0, x0 + end * share, y1)

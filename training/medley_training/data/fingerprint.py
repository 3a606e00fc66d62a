"""Digests that tell whether two texts are the same, to the letter or in their words."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256

from medley_training.data.examples import Example

WORD = re.compile(r"\w+")


def content_digest(example: Example) -> str:
    """SHA-256 of a chat's roles and texts; letter case, spacing and width do not count."""
    parts = (f"{m.role}\x1f{_plain(' '.join(m.content.split()))}" for m in example.messages)
    return _hex("\x1e".join(parts))


def words_digest(text: str) -> str:
    """SHA-256 of a text's words alone: what two copies share although someone retyped them.

    Punctuation does not count, so ``K+`` and ``K-`` are alike: fit for keeping texts together,
    not for calling one of them a copy. A text without a word is digested to the letter.
    """
    return _hex(" ".join(WORD.findall(_plain(text))) or text)


def set_digest(digests: Iterable[str]) -> str:
    """SHA-256 of a set of digests, whatever their order."""
    return _hex("\n".join(sorted(set(digests))))


def joined_groups(keys: Sequence[Iterable[str]]) -> list[str]:
    """Put items that share a key, directly or through others, into one group.

    Args:
        keys: The keys of each item, at least one.

    Returns:
        For each item the smallest key of its group, which names it whatever the items' order.
    """
    parents: dict[str, str] = {}

    def find(key: str) -> str:
        parents.setdefault(key, key)
        while parents[key] != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    own = [tuple(of_item) for of_item in keys]
    for first, *others in own:
        for other in others:
            low, high = sorted((find(first), find(other)))
            parents[high] = low
    return [find(first) for first, *_ in own]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _hex(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()

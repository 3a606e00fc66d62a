"""Prompts of a fixed number of tokens, all different, with no text behind them."""

import json
from pathlib import Path

from medley_training.benchmarks.load import Load
from medley_training.errors import BadLoad


class Vocabulary:
    """The ids of a base's ordinary tokens: all but those that mean something to its processor."""

    def __init__(self, folder: Path) -> None:
        """Reads the base's configuration and tokenizer.

        Raises:
            BadLoad: the configuration does not say how many tokens there are.
        """
        config = json.loads((folder / "config.json").read_text())
        size = config.get("text_config", config).get("vocab_size") or config.get("vocab_size")
        if not size:
            raise BadLoad(f"{folder / 'config.json'} names no vocab_size")
        special = _added_tokens(folder / "tokenizer.json")
        self.ids = [token for token in range(size) if token not in special]

    def prompts(self, load: Load, repeat: int) -> list[list[int]]:
        """As many prompts as the load has requests; other ones in each repeat."""
        import numpy as np

        pick = np.random.default_rng((load.seed, repeat + 1, 0))
        drawn = pick.choice(self.ids, (load.requests, load.input_tokens))
        if load.shares_prefix:
            half = load.input_tokens // 2
            drawn[:, :half] = np.random.default_rng((load.seed, 2)).choice(self.ids, half)
        return [[int(token) for token in prompt] for prompt in drawn]


def _added_tokens(file: Path) -> frozenset[int]:
    if not file.is_file():
        return frozenset()
    added = json.loads(file.read_text()).get("added_tokens", [])
    return frozenset(token["id"] for token in added)

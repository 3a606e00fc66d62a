"""Word lists that ship with the package, as TOML files."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


def read_lexicon(name: str) -> dict[str, Any]:
    """The parsed word list ``<name>.toml`` of this package."""
    text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def pairs(lexicon: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    """The entries of a list of pairs: what is said or written, then what it becomes."""
    return [(first, second) for first, second in lexicon[key]]

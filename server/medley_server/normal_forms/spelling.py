"""Texts as tables of spellings have them."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from medley.grounding.folding import folded


def plain(text: str) -> str:
    """A text without what does not count: case, kinds of dashes, the amount of white space.

    The Greek letter of micro becomes a u, as in UCUM.
    """
    return " ".join(folded(text)[0].replace("\u03bc", "u").split())


@cache
def table(name: str) -> Mapping[str, Any]:
    """One of the TOML files beside this module."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@cache
def spellings(name: str, section: str) -> Mapping[str, str]:
    """Normal form under each spelling, of one section of a file: ``normal form = [spellings]``."""
    entries: Mapping[str, list[str]] = table(name)[section]
    return {
        plain(spelling): normal
        for normal, known in entries.items()
        for spelling in (normal, *known)
    }

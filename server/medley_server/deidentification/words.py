"""Lists of words that the rules know."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

List = Literal["particles", "beside", "ordinary", "before_care"]


@cache
def words(name: List) -> frozenset[str]:
    """One of the lists of `words.toml`, whose comments say what each is for."""
    text = files("medley_server.deidentification").joinpath("words.toml").read_text("utf-8")
    said: str = tomllib.loads(text)[name]
    return frozenset(said.split())

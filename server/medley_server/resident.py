"""A version that has a place in the engine."""

import asyncio
import time
from dataclasses import dataclass, field

from medley_registry import Version


@dataclass(slots=True)
class Resident:
    """A version in the engine, and how many requests it is answering.

    Attributes:
        idle: set while no request runs on it.
        gone: set once the engine has confirmed that it holds it no more.
    """

    version: Version
    requests: int = 0
    last_used: float = field(default_factory=time.monotonic)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    @property
    def name(self) -> str:
        """What the engine calls it."""
        return self.version.engine_name

    def hold(self) -> None:
        """One request more; while there is one, the version stays."""
        self.requests += 1
        self.idle.clear()

    def release(self) -> None:
        """One request fewer."""
        self.requests -= 1
        self.last_used = time.monotonic()
        if self.requests == 0:
            self.idle.set()

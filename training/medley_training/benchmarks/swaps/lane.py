"""A server whose adapters can be exchanged while it answers."""

from dataclasses import dataclass
from typing import Protocol

import httpx


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """One of the versions of one adapter; versions are numbered from 1."""

    adapter: str
    number: int

    def __str__(self) -> str:
        return f"{self.adapter}:{self.number}"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a server still holds when nothing runs any more.

    Attributes:
        adapters: those in the engine.
        stuck: those that still count a request; None where the server does not tell.
        note: what the server does not tell.
    """

    adapters: int
    stuck: int | None
    note: str = ""


class SwapLane(Protocol):
    """One server, up, with every adapter at version 1."""

    name: str
    url: str

    def model_of(self, adapter: str) -> str:
        """What callers ask for, whichever version answers."""

    def model_of_act(self, act: Act) -> str:
        """What asks for exactly this version, whatever its adapter answers with."""

    def named(self, model: str) -> Act | None:
        """The version that an answer says it is from; None where it does not say."""

    async def swap(self, act: Act) -> None:
        """Returns when the server has been told, and where it says so, has done it."""

    async def leftovers(self) -> Leftovers:
        """After the load."""


def telling_client(url: str, *, timeout_s: float) -> httpx.AsyncClient:
    """What a lane tells its server things with, made once.

    A client takes some 20 ms to make (its certificates), in which the replies that are in flight
    here would wait to be noticed: at each swap, and at no other time.

    Args:
        url: the server's.
        timeout_s: of a request.
    """
    limits = httpx.Limits(keepalive_expiry=2)  # well before the server closes an idle connection
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=timeout_s, limits=limits)

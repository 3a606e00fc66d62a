"""What routes ask for: the registry, who calls, and whether he may."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from medley_registry import Registry

from medley_server.callers import ADMIN, CALLER, PUBLISH, Caller, promoting
from medley_server.schemas.fields import AliasName


async def _registry(request: Request) -> Registry:
    registry: Registry = request.app.state.registry
    return registry


async def _caller(request: Request) -> Caller:
    caller: Caller = request.scope[CALLER]
    return caller


RegistryDep = Annotated[Registry, Depends(_registry)]
CallerDep = Annotated[Caller, Depends(_caller)]


def _needs(*scopes: str) -> Callable[[CallerDep], Awaitable[None]]:
    async def check(caller: CallerDep) -> None:
        caller.require(*scopes)

    return check


async def _may_move(alias: AliasName, caller: CallerDep) -> None:
    caller.require(promoting(alias))


BY_ADMIN: Any = Depends(_needs(ADMIN))
BY_PUBLISHER: Any = Depends(_needs(PUBLISH))
BY_PROMOTER: Any = Depends(_may_move)
"""Whoever may move the alias in the path."""

"""`async_client.adapters`: the operations of `Adapters`, awaited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial, wraps
from pathlib import Path
from typing import Generic, ParamSpec, Self, TypeVar, overload

from medley_registry import Version

from medley import adapter_calls as calls
from medley.calls import AsyncSender, Call
from medley.transfer import publication, receiving

P = ParamSpec("P")
T = TypeVar("T")

_PAGE = 100


class Awaited(Generic[P, T]):
    """A method that takes what makes a call, and awaits the call's result."""

    def __init__(self, calling: Callable[P, Call[T]]) -> None:
        self._calling = calling
        self.__doc__ = calling.__doc__

    @overload
    def __get__(self, adapters: None, owner: type) -> Self: ...

    @overload
    def __get__(self, adapters: "AsyncAdapters", owner: type) -> Callable[P, Awaitable[T]]: ...

    def __get__(
        self, adapters: "AsyncAdapters | None", owner: type
    ) -> Self | Callable[P, Awaitable[T]]:
        if adapters is None:
            return self
        client, calling = adapters.client, self._calling

        @wraps(calling)
        async def call(*args: P.args, **options: P.kwargs) -> T:
            # In a thread: to publish, all files are read and hashed first.
            making = partial(calling, *args, **options)
            made = await asyncio.to_thread(making) if calling is publication else making()
            return await client.send(made)

        return call


class AsyncAdapters:
    """What `Adapters` does, with the same names, arguments and errors."""

    list = Awaited(calls.list_adapters)
    get = Awaited(calls.get_adapter)
    version = Awaited(calls.get_version)
    publish = Awaited(publication)
    set_state = Awaited(calls.change_state)
    revoke = Awaited(calls.revoke)
    delete = Awaited(calls.delete)
    variants = Awaited(calls.list_variants)
    signatures = Awaited(calls.list_signatures)
    evidence = Awaited(calls.list_evidence)
    add_evidence = Awaited(calls.add_evidence)
    aliases = Awaited(calls.list_aliases)
    promote = Awaited(calls.promote)
    rollback = Awaited(calls.roll_back)
    history = Awaited(calls.history)
    policy = Awaited(calls.get_policy)
    protect = Awaited(calls.set_policy)
    traffic = Awaited(calls.get_traffic)
    set_traffic = Awaited(calls.set_traffic)
    decisions = Awaited(calls.list_decisions)
    approvals = Awaited(calls.list_approvals)
    approve = Awaited(calls.approve)

    def __init__(self, client: AsyncSender) -> None:
        self.client = client

    async def versions(self, name: str) -> AsyncIterator[Version]:
        """Every version, newest first; asked for page by page as they are needed."""
        before: int | None = None
        while True:
            page = await self.client.send(calls.list_versions(name, before=before, limit=_PAGE))
            for version in page.versions:
                yield version
            if (before := page.before) is None:
                return

    async def download(self, reference: str, folder: str | Path) -> Version:
        """See `Adapters.download`."""
        version = await self.version(reference)
        with receiving(version, Path(folder), reference=reference) as sinks:
            for path, sink in sinks:
                with sink:
                    async with self.client.stream(path) as pieces:
                        async for piece in pieces:
                            await asyncio.to_thread(sink.take, piece)
        return version

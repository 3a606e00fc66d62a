"""Which version answers a document: resolved once, and held until the document is answered."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from medley.results import ServedModel
from medley_registry import Version

from medley_server.engine.port import Engine
from medley_server.errors import ModelNotFound
from medley_server.extraction.errors import AdapterNotFound
from medley_server.extraction.port import User
from medley_server.extraction.question import Pinned
from medley_server.observing.request_record import CURRENT
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.traffic import DOCUMENTS, Asker, Way

AUTO = "auto"
DEFAULT_REFERENCE = "documents@production"


class Models(Protocol):
    """Turns a caller's reference into one version."""

    async def check(self, reference: str | None, caller: User) -> None:
        """Whether a caller may use what is meant, and whether it is there.

        Raises:
            ServerError: As for `pinned`, or it is not for this caller.
        """
        ...

    def pinned(
        self, reference: str | None, *, key: str = "", request_id: str = ""
    ) -> AbstractAsyncContextManager[Pinned]:
        """Holds the version that is meant here and now; ``auto`` and None mean the server's choice.

        Args:
            reference: what was asked for.
            key: who asks; with an alias that is split, his documents stay on one side.
            request_id: no two documents have the same.

        Raises:
            AdapterNotFound: There is none.
            AdapterUnavailable: It cannot be loaded now.
        """
        ...


class ServedModels:
    """The versions of one server."""

    def __init__(
        self,
        service: Service,
        base: ServedBase,
        engine: Engine,
        *,
        default: str = DEFAULT_REFERENCE,
    ) -> None:
        """Wraps the service.

        Args:
            service: Resolves and leases.
            base: What it serves.
            engine: What runs it.
            default: What ``auto`` means where it is served; else the base answers.
        """
        self._service = service
        self._base = base
        self._engine = engine
        self._default = default

    async def check(self, reference: str | None, caller: User) -> None:
        """See `Models.check`."""
        wanted, is_auto = self._meant(reference)
        if self._service.is_base(wanted):
            return
        if not is_auto:
            caller.require_use(wanted)  # before it is told whether it is there
        try:
            version = await self._service.resolve(wanted)
        except ModelNotFound as error:
            if is_auto:
                return
            raise AdapterNotFound.of(error.seen_by(caller.may_use)) from error
        caller.require_use(version.reference)

    @asynccontextmanager
    async def pinned(
        self, reference: str | None, *, key: str = "", request_id: str = ""
    ) -> AsyncIterator[Pinned]:
        """See `Models.pinned`."""
        way = await self._way(reference, key, request_id)
        _remember(way.version if way else None, self._base.name)
        if way is None:
            yield self._pinned_base()
            return
        async with way.counted(), self._service.lease(way.version):
            yield self._pinned_version(way)

    async def _way(self, reference: str | None, key: str, request_id: str) -> Way | None:
        wanted, is_auto = self._meant(reference)
        if self._service.is_base(wanted):
            return None
        try:
            version = await self._service.resolve(wanted)
        except ModelNotFound as error:
            if is_auto:
                return None
            raise AdapterNotFound.of(error) from error
        asker = Asker(wanted, DOCUMENTS, key, request_id=request_id)
        return await self._service.steering.way(version, asker, self._service.resolve)

    def _meant(self, reference: str | None) -> tuple[str, bool]:
        """The reference to look for, and whether the server chose it."""
        if reference is None or reference in ("", AUTO):
            return self._default, True
        return reference, False

    def _pinned_base(self) -> Pinned:
        return Pinned(
            engine_name=self._base.name, reference=self._base.name, served=self._served(None)
        )

    def _pinned_version(self, way: Way) -> Pinned:
        version = way.version
        return Pinned(
            engine_name=version.engine_name,
            reference=version.reference,
            served=self._served(version),
            salt=version.digest.hex,
            version=version,
            copied=way.copied if way.shadow is not None else None,
        )

    def _served(self, version: Version | None) -> ServedModel:
        facts = self._engine.facts
        return ServedModel(
            base=self._base.name,
            quantization=facts.quantization,
            adapter=version.reference if version else None,
            adapter_digest=str(version.digest) if version else None,
            round=version.round if version else None,
            engine=facts.engine,
        )


def _remember(version: Version | None, base: str) -> None:
    """Has the request told what answers it, if it is not answered already, as with a job."""
    record = CURRENT.get()
    if record is not None and not record.is_whole:
        record.version, record.base = version, base

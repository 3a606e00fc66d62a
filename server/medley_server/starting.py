"""From settings to a running server: finds the base, sizes the slots, hands over to the engine."""

import asyncio
import getpass
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from medley_registry import BaseModel, Registry, open_registry

from medley_server.engine.plugins import check_plugins
from medley_server.engine.port import Engine
from medley_server.engine.slots import Slots
from medley_server.errors import CannotStart
from medley_server.extracting import open_documents
from medley_server.following import versions_for
from medley_server.gateway import Gateway
from medley_server.openapi import describe_together
from medley_server.registry_app import create_registry_app
from medley_server.served_base import ServedBase, find_served_base
from medley_server.service import Service
from medley_server.settings import ServeSettings


def start(settings: ServeSettings) -> None:
    """Runs the server until it is told to stop.

    Raises:
        CannotStart: there is no such base or variant of it, no key where one is needed, or what the
            engine needs is missing.
        RegistryError: the registry cannot be opened or read.
    """
    logging.basicConfig(format="%(levelname)s %(asctime)s [medley] %(message)s", level="INFO")
    with open_registry(settings.registry, blobs=settings.blobs, tenant=settings.tenant) as registry:
        settings.check_keys(has_access_keys=bool(registry.access.keys()))
        base = find_served_base(registry, find_base(registry, settings.base), settings.variant)
        check_plugins(base.variant)
        served = [one for one in versions_for(registry, base) if one.state.is_servable]
        slots = Slots.sized_for(served, settings.max_loras)
        try:
            from medley_server.engine.launch import serve, vllm_flags
        except ModuleNotFoundError as error:
            raise CannotStart(
                f"the engine is not installed ({error.name} is missing); run: make setup"
            ) from error
        flags = vllm_flags(settings, base, slots)
        asyncio.run(serve(flags, partial(front, registry, base, settings)))


@asynccontextmanager
async def front(
    registry: Registry, base: ServedBase, settings: ServeSettings, engine: Engine, app: Any
) -> AsyncIterator[Callable[[Any], Gateway]]:
    """Runs the service on an engine, and gives the gateway that stands before vLLM's app.

    `app` is vLLM's without that gateway: extraction asks it.
    """
    service = Service(registry, base, engine, settings)
    registry_app = create_registry_app(registry, uploads=settings.uploads)
    async with (
        service.running(),
        open_documents(settings, service, base, engine, app) as documents,
    ):
        describe_together(registry_app, documents.app)
        yield partial(
            Gateway,
            service=service,
            api_keys=settings.api_keys,
            max_body_bytes=settings.max_body_bytes,
            registry_app=registry_app,
            documents=documents,
        )


def find_base(registry: Registry, base: str) -> BaseModel:
    """The registered base of that name, or the base in that folder, registered by its name.

    Raises:
        CannotStart: it is neither.
    """
    bases = {known.name: known for known in registry.bases()}
    if (found := bases.get(base)) is not None:
        return found
    folder = Path(base).expanduser()
    if not folder.is_dir():
        known = ", ".join(bases) or "none yet"
        raise CannotStart(f"no base {base}, and no folder; registered: {known}")
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")
    return registry.add_base(name, folder.resolve(), actor=getpass.getuser())

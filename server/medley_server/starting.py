"""From settings to a running server: finds the base, sizes the slots, hands over to the engine."""

import asyncio
import getpass
import logging
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from medley_registry import BaseModel, Registry, Unavailable

from medley_server.engine.plugins import check_plugins
from medley_server.engine.port import Engine
from medley_server.engine.slots import Slots
from medley_server.errors import CannotStart, EngineDied
from medley_server.extracting import open_documents
from medley_server.following import versions_for
from medley_server.gateway import Gateway
from medley_server.image_sources import ImageSources
from medley_server.last_good_state import open_last_good
from medley_server.observing import open_observing
from medley_server.openapi import describe_together
from medley_server.page import open_page
from medley_server.registry_app import create_registry_app
from medley_server.restarting import start_anew
from medley_server.served_base import ServedBase, find_served_base
from medley_server.service import Service
from medley_server.settings import ServeSettings
from medley_server.stopping import Stopping


def start(settings: ServeSettings) -> None:
    """Runs the server until it is told to stop; one whose engine dies starts anew.

    Raises:
        CannotStart: there is no such base or variant of it, no key where one is needed, or what the
            engine needs is missing.
        RegistryError: the registry cannot be opened or read, and nothing was saved of it.
    """
    logging.basicConfig(format="%(levelname)s %(asctime)s [medley] %(message)s", level="INFO")
    # By name too: what the engine imports sets the level of all others to that of warnings.
    logging.getLogger(__package__).setLevel(logging.INFO)
    try:
        _run(settings)
    except EngineDied as error:
        start_anew(str(error))


def _run(settings: ServeSettings) -> None:
    with open_last_good(settings) as registry:
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
        stopping = Stopping()
        in_front = partial(front, registry, base, settings, stopping=stopping)
        asyncio.run(serve(flags, in_front, stopping, image_hosts=settings.image_hosts))


@asynccontextmanager
async def front(
    registry: Registry,
    base: ServedBase,
    settings: ServeSettings,
    engine: Engine,
    app: Any,
    *,
    stopping: Stopping,
) -> AsyncIterator[Callable[[Any], Any]]:
    """Runs the service on an engine, and gives the gateway that stands before vLLM's app, watched.

    `app` is vLLM's without that gateway: extraction asks it.
    """
    service = Service(registry, base, engine, settings)
    registry_app = create_registry_app(registry, uploads=settings.uploads)
    opened = open_page(settings) if settings.has_page else nullcontext()
    looking_on = open_observing(service, access_log=settings.access_log, environment=os.environ)
    async with (
        looking_on as observing,
        service.running(),
        open_documents(
            settings, service, base, engine, app, on_tokens=observing.ledger.note_tokens
        ) as documents,
        opened as page,
    ):
        describe_together(registry_app, documents.app)
        gateway = partial(
            Gateway,
            service=service,
            api_keys=settings.api_keys,
            max_body_bytes=settings.max_body_bytes,
            registry_app=registry_app,
            documents=documents,
            page=page,
            limits=settings.limits,
            metrics=observing.metrics,
            sources=ImageSources(settings.image_hosts),
        )
        yield lambda app: stopping.around(observing.around(gateway(app)))


def find_base(registry: Registry, base: str) -> BaseModel:
    """The registered base of that name, or the base in that folder, registered by its name.

    Raises:
        CannotStart: it is neither.
        Unavailable: the registry is away, and what was saved of it does not know the folder.
    """
    bases = {known.name: known for known in registry.bases()}
    if (found := bases.get(base)) is not None:
        return found
    folder = Path(base).expanduser()
    if not folder.is_dir():
        known = ", ".join(bases) or "none yet"
        raise CannotStart(f"no base {base}, and no folder; registered: {known}")
    folder = folder.resolve()
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._")
    try:
        return registry.add_base(name, folder, actor=getpass.getuser())
    except Unavailable:
        for registered in bases.values():
            if registered.path == folder:
                return registered
        raise

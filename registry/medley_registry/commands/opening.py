"""How a command comes by its registry: three options that all of them have."""

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from medley_registry.commands.options import BlobsOption, RegistryOption, TenantOption
from medley_registry.opening import open_registry

_WHERE = {"registry": RegistryOption, "blobs": BlobsOption, "tenant": TenantOption}


def on_registry(command: Callable[..., None]) -> Callable[..., None]:
    """Turn a function of a registry into one of the options that say where it is.

    It is opened before the function runs, and closed after.
    """

    @wraps(command)
    def on_place(
        *, registry: str | None, blobs: str | None, tenant: str | None, **given: Any
    ) -> None:
        # A Ctrl-C while a connection is given back is no news of the pool's to a person.
        logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())
        with open_registry(registry, blobs=blobs, tenant=tenant) as opened:
            command(opened, **given)

    signature = inspect.signature(command)
    _, *own = signature.parameters.values()
    where = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in _WHERE.items()
    ]
    # Typer reads both to find a command's arguments and options.
    on_place.__signature__ = signature.replace(parameters=[*own, *where])  # type: ignore[attr-defined]
    on_place.__annotations__ = {
        **{parameter.name: parameter.annotation for parameter in own},
        **_WHERE,
    }
    return on_place

"""Where a registry is: an argument, else the environment, else the home folder."""

import os
import re
from pathlib import Path

from medley_registry.errors import UnsupportedLocation

_SCHEME = re.compile(r"([a-z][a-z0-9+]*)://")


def medley_home() -> Path:
    """``MEDLEY_HOME``, else ``~/.medley``: the registry, base models and caches of this user."""
    return Path(os.environ.get("MEDLEY_HOME") or "~/.medley").expanduser()


def registry_folder(location: str | Path | None = None) -> Path:
    """The registry's folder: `location`, else ``MEDLEY_REGISTRY``, else ``registry`` at home.

    Raises:
        UnsupportedLocation: the location is a URL; only folders can be opened so far.
    """
    chosen = location or os.environ.get("MEDLEY_REGISTRY") or medley_home() / "registry"
    if scheme := _SCHEME.match(str(chosen)):
        raise UnsupportedLocation(
            f"a registry at {scheme[1]}://… cannot be opened yet; name a folder on a local disk"
        )
    return Path(chosen).expanduser().absolute()

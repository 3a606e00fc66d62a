"""Where a registry is: its facts, its bytes, and which tenant's of those that share the place.

An argument, else the environment, else the home folder.
"""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from medley_registry.errors import InvalidReference, UnsupportedLocation
from medley_registry.references import check_name

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_POSTGRES = frozenset({"postgresql", "postgresql+psycopg"})
_OBJECTS = frozenset({"s3", "gs", "az"})
_BUCKET = re.compile(r"[a-z0-9]+://[\w.-]+(/[\w.+=@-]+)*/?")
_SECRETS = (
    (re.compile(r"(://[^:/@]*):[^@]*@"), r"\1:***@"),
    (re.compile(r"([?&](?:ssl)?password=)[^&]*"), r"\1***"),
)
_TENANTS = "tenants"
# PostgreSQL cuts longer names off, and then two tenants could have one schema.
_TENANT_LENGTH = 56


@dataclass(frozen=True, slots=True, repr=False)
class Location:
    """One registry's place; its text can be shown to anyone, for it holds no password.

    Attributes:
        index: The folder with ``registry.db`` and the tenants, or a PostgreSQL URL.
        blobs: The folder with ``blobs/`` and the tenants, or the URL of a bucket and prefix.
        tenant: Which registry there; None for the place's own.
    """

    index: Path | str
    blobs: Path | str
    tenant: str | None = None

    def __str__(self) -> str:
        place = without_password(str(self.index))
        return place if self.tenant is None else f"{place}, tenant {self.tenant}"

    __repr__ = __str__

    @property
    def is_folder(self) -> bool:
        return isinstance(self.index, Path)

    @property
    def folder(self) -> Path:
        """The tenant's own folder, which holds ``registry.db``.

        Raises:
            UnsupportedLocation: the index is in a database server.
        """
        if not isinstance(self.index, Path):
            raise UnsupportedLocation(f"the registry at {self} is not in a folder")
        return self.index if self.tenant is None else self.index / _TENANTS / self.tenant

    @property
    def schema(self) -> str:
        """The tenant's own schema in PostgreSQL."""
        return "medley" if self.tenant is None else f"tenant_{self.tenant}"

    @property
    def blob_root(self) -> Path | str:
        """Below which the tenant's own ``blobs/`` are."""
        if self.tenant is None:
            return self.blobs
        if isinstance(self.blobs, Path):
            return self.blobs / _TENANTS / self.tenant
        return f"{self.blobs}/{_TENANTS}/{self.tenant}"

    @property
    def init_command(self) -> str:
        """The command that makes this registry; a password in the address is left out."""
        words = ["medley", "registry", "init", "--registry", without_password(str(self.index))]
        if self.blobs != self.index:
            words += ["--blobs", str(self.blobs)]
        if self.tenant is not None:
            words += ["--tenant", self.tenant]
        return shlex.join(words)


def locate(
    location: str | Path | None = None,
    *,
    blobs: str | Path | None = None,
    tenant: str | None = None,
) -> Location:
    """Find out where a registry is to be, without looking there.

    Args:
        location: A folder or a PostgreSQL URL; else ``MEDLEY_REGISTRY``, else the home folder's.
        blobs: A folder or ``s3://bucket/prefix``; else ``MEDLEY_BLOBS`` for a registry in
            PostgreSQL or named by the environment; else the registry's own folder.
        tenant: Else ``MEDLEY_TENANT``, else none; empty is none.

    Raises:
        UnsupportedLocation: an address that cannot be opened; the text names what could be.
        InvalidReference: the tenant's name is none.
    """
    chosen = location or os.environ.get("MEDLEY_REGISTRY") or medley_home() / "registry"
    index = _index_place(chosen)
    is_own = bool(location) and isinstance(index, Path)  # the environment's blobs are another's
    bytes_at = blobs or (None if is_own else os.environ.get("MEDLEY_BLOBS")) or index
    if tenant is None:
        tenant = os.environ.get("MEDLEY_TENANT")
    if tenant:
        _check_tenant(tenant)
    return Location(index, _blob_place(bytes_at, index=index), tenant or None)


def medley_home() -> Path:
    """``MEDLEY_HOME``, else ``~/.medley``: the registry, base models and caches of this user."""
    return Path(os.environ.get("MEDLEY_HOME") or "~/.medley").expanduser()


def registry_folder(location: str | Path | None = None) -> Path:
    """The folder of a registry that is in one; see `locate`.

    Raises:
        UnsupportedLocation: it is in a database server.
    """
    return locate(location).folder


def without_password(url: str) -> str:
    """A URL that can be shown."""
    for secret, shown in _SECRETS:
        url = secret.sub(shown, url)
    return url


def _index_place(chosen: str | Path) -> Path | str:
    scheme = _scheme_of(chosen)
    if scheme is None:
        return _folder(chosen)
    if scheme in _POSTGRES:
        return str(chosen)
    hint = " (give that as --blobs)" if scheme in _OBJECTS else ""
    raise UnsupportedLocation(
        f"no registry can be at {without_password(str(chosen))}{hint}: name a folder on a local "
        "disk, or postgresql://user@host/database"
    )


def _blob_place(chosen: str | Path, *, index: Path | str) -> Path | str:
    scheme = _scheme_of(chosen)
    if scheme is None:
        return _folder(chosen)
    if scheme in _OBJECTS and _BUCKET.fullmatch(str(chosen)):
        return str(chosen).rstrip("/")
    if chosen == index:
        raise UnsupportedLocation(
            "a registry in PostgreSQL keeps its blobs elsewhere: name s3://bucket/prefix or a "
            "folder by --blobs or MEDLEY_BLOBS"
        )
    raise UnsupportedLocation(
        f"no blobs can be at {without_password(str(chosen))}: name s3://bucket/prefix (with the "
        "credentials in the environment) or a folder"
    )


def _check_tenant(tenant: str) -> None:
    check_name(tenant)
    if len(tenant) > _TENANT_LENGTH:
        raise InvalidReference(f"{tenant!r} is too long for a tenant: {_TENANT_LENGTH} characters")


def _scheme_of(chosen: str | Path) -> str | None:
    found = _SCHEME.match(chosen) if isinstance(chosen, str) else None
    return found[1] if found else None


def _folder(chosen: str | Path) -> Path:
    return Path(chosen).expanduser().absolute()

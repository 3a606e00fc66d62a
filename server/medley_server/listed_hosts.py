"""Hosts that the server may go to for a caller: listed ones, by no name that leads inside."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from medley_server.errors import CannotStart

_LONGEST_URL = 2000
_RESOLVE_S = 5.0
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
# Other parsers of URLs, such as those that fetch, read some of these characters in other ways.
_AMBIGUOUS = frozenset("\\^`{|}<>\"' \t")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# They carry IPv4 addresses inside, so what they lead to is not told by them.
_DISGUISES = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


class HostRefused(ValueError):
    """The server does not go there; its text says why, and quotes nothing."""


class ListedHosts:
    """An allow-list."""

    def __init__(self, hosts: Sequence[str], *, flag: str) -> None:
        """Names, addresses and networks; addresses of no network are never gone to by name.

        Args:
            hosts: what is listed; nothing: the server goes nowhere.
            flag: says, in refusals, where the list is made.
        """
        self._flag = flag
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for host in hosts:
            try:
                self._networks.append(ipaddress.ip_network(host))
            except ValueError:
                self._names.add(host.lower())

    def check(self, url: str) -> SplitResult:
        """The parts of a URL that may be gone to, as far as the URL alone tells.

        Raises:
            HostRefused: it is none, or its host is not listed.
        """
        if not (self._names or self._networks):
            raise HostRefused(f"this server goes nowhere for callers ({self._flag})")
        is_plain = url.isascii() and url.isprintable() and _AMBIGUOUS.isdisjoint(url)
        if len(url) > _LONGEST_URL or not is_plain:
            raise HostRefused("it is no URL")
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 raises for a port that is none
        except ValueError:
            raise HostRefused("it is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise HostRefused("it must be https://host/path, without a name or password in it")
        address = _address(parts.hostname)
        if address is None and parts.hostname not in self._names:
            raise HostRefused(f"its host is not listed ({self._flag})")
        if address is not None and not self._is_listed(address):
            raise HostRefused(f"its address is not listed ({self._flag})")
        if parts.scheme == "http" and address is None:
            raise HostRefused("http is only for addresses that are listed; use https")
        return parts

    async def address_of(self, parts: SplitResult) -> str:
        """Where to connect to, looked up once, so that it cannot change between look and use.

        Raises:
            HostRefused: one of its addresses is not a public one and not listed.
            OSError, TimeoutError: there is none now.
        """
        assert parts.hostname is not None
        if _address(parts.hostname) is not None:
            return parts.hostname
        looking = asyncio.get_running_loop().getaddrinfo(
            parts.hostname, parts.port or 443, type=socket.SOCK_STREAM
        )
        found = [str(entry[4][0]) for entry in await asyncio.wait_for(looking, _RESOLVE_S)]
        for address in found:
            self.check_address(address)
        return found[0]

    def check_address(self, text: str) -> None:
        """Refuses what a name may not lead to.

        Raises:
            HostRefused: it is not a public address and not listed.
        """
        address = ipaddress.ip_address(text)
        if not (_is_public(address) or self._is_listed(address)):
            raise HostRefused("its host has an address that is not public")

    def _is_listed(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def check_list(hosts: Sequence[str], *, flag: str) -> None:
    """Refuses lists that hold something else than hosts.

    Raises:
        CannotStart: one of them is no name, address or network.
    """
    for host in hosts:
        if not (_HOST.fullmatch(host) or _is_network(host)):
            raise CannotStart(
                f"{flag}: {host!r} is no host name, address or network (without scheme, port and "
                "path)"
            )


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    is_disguised = any(address in network for network in _DISGUISES)
    return address.is_global and not address.is_multicast and not is_disguised

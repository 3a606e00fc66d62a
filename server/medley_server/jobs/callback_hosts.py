"""Where jobs may be posted: to listed hosts, and never by a name that leads into the network."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from medley_server.extraction.errors import InvalidRequest

_LONGEST_URL = 2000
_RESOLVE_S = 5.0
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# They carry IPv4 addresses inside, so what they lead to is not told by them.
_DISGUISES = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)


class CallbackHosts:
    """An allow-list."""

    def __init__(self, hosts: Sequence[str]) -> None:
        """Names, addresses and networks; addresses of no network are never gone to by name."""
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for host in hosts:
            try:
                self._networks.append(ipaddress.ip_network(host))
            except ValueError:
                self._names.add(host.lower())

    def check(self, url: str) -> SplitResult:
        """The parts of a URL that may be posted to, as far as the URL alone tells.

        Raises:
            InvalidRequest: it is none, or its host is not listed.
        """
        if not (self._names or self._networks):
            raise _refused("this server posts nowhere (medley serve --callback-hosts)")
        if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise _refused("it is no URL")
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 raises for a port that is none
        except ValueError:
            raise _refused("it is no URL") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise _refused("it must be https://host/path, without a name or password in it")
        address = _address(parts.hostname)
        if address is None and parts.hostname not in self._names:
            raise _refused("its host is not listed (medley serve --callback-hosts)")
        if address is not None and not self._is_listed(address):
            raise _refused("its address is not listed (medley serve --callback-hosts)")
        if parts.scheme == "http" and address is None:
            raise _refused("http is only for addresses that are listed; use https")
        return parts

    async def address_of(self, parts: SplitResult) -> str:
        """Where to connect to, looked up once, so that it cannot change between look and use.

        Raises:
            InvalidRequest: one of its addresses is not a public one and not listed.
            OSError, TimeoutError: there is none now.
        """
        assert parts.hostname is not None
        if _address(parts.hostname) is not None:
            return parts.hostname
        port = parts.port or 443
        looking = asyncio.get_running_loop().getaddrinfo(
            parts.hostname, port, type=socket.SOCK_STREAM
        )
        found = [entry[4][0] for entry in await asyncio.wait_for(looking, _RESOLVE_S)]
        for text in found:
            address = ipaddress.ip_address(text)
            if not (_is_public(address) or self._is_listed(address)):
                raise _refused("its host has an address that is not public")
        return str(found[0])

    def _is_listed(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


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


def _refused(because: str) -> InvalidRequest:
    return InvalidRequest(f"`callback_url` cannot be used: {because}.", about="callback_url")

"""Where jobs may be posted: to listed hosts, in the words of the routes of documents."""

from collections.abc import Sequence
from urllib.parse import SplitResult

from medley_server.extraction.errors import InvalidRequest
from medley_server.listed_hosts import HostRefused, ListedHosts

FLAG = "--callback-hosts"


class CallbackHosts:
    """See `ListedHosts`."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._listed = ListedHosts(hosts, flag=f"medley serve {FLAG}")

    def check(self, url: str) -> SplitResult:
        """See `ListedHosts.check`.

        Raises:
            InvalidRequest: jobs are not posted there.
        """
        try:
            return self._listed.check(url)
        except HostRefused as error:
            raise _refused(error) from None

    async def address_of(self, parts: SplitResult) -> str:
        """See `ListedHosts.address_of`.

        Raises:
            InvalidRequest: its name leads to where jobs are not posted.
            OSError, TimeoutError: it leads nowhere now.
        """
        try:
            return await self._listed.address_of(parts)
        except HostRefused as error:
            raise _refused(error) from None


def _refused(because: HostRefused) -> InvalidRequest:
    return InvalidRequest(f"`callback_url` cannot be used: {because}.", about="callback_url")

"""What aliases answered with before: kept loaded, so that going back loads nothing."""

from medley_registry import Version

from medley_server.catalogue import AliasKey


class StandBy:
    """The previous versions of each alias, newest first."""

    def __init__(self, most: int) -> None:
        """Keeps at most so many of each alias."""
        self._most = most
        self._previous: dict[AliasKey, list[Version]] = {}

    @property
    def versions(self) -> list[Version]:
        """All of them."""
        return [version for previous in self._previous.values() for version in previous]

    def note(self, key: AliasKey, version: Version, *, before: Version | None) -> list[Version]:
        """An alias answers with another version.

        Returns:
            Those that it need not go back to any more.
        """
        known = self._previous.get(key, [])
        earlier = [one for one in known if before is None or one.digest != before.digest]
        previous = [one for one in ([before] if before else []) + earlier if one != version]
        self._previous[key] = previous[: self._most]
        return previous[self._most :]

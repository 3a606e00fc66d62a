"""From a version to files that an engine may be given: fetched, verified and checked."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from medley_registry import Version

from medley_server.adapter_files import AdapterFiles
from medley_server.checks import changes_speech, check_fits, check_shapes, check_weights
from medley_server.engine.port import EngineFacts
from medley_server.phases import OnPhase, Phase
from medley_server.served_base import ServedBase


@dataclass(frozen=True, slots=True)
class Fetched:
    """A version that is ready to be loaded.

    Attributes:
        folder: its files, which stay until they are given back.
        is_felt: whether what it writes must differ from what the base writes.
    """

    folder: Path
    is_felt: bool


class Fetcher:
    """Fetches versions for one engine; whoever gets one gives it back by `release`."""

    def __init__(self, files: AdapterFiles, base: ServedBase, facts: EngineFacts) -> None:
        self._files = files
        self._base = base
        self._facts = facts
        self._felt: dict[str, bool] = {}  # by engine name, which stands for one content

    async def fetch(self, version: Version, on_phase: OnPhase = lambda _: None) -> Fetched:
        """The files of a version, verified each time, and checked once.

        Raises:
            AdapterUnavailable: it does not fit this engine, or its files cannot be had or used.
        """
        check_fits(version, self._base, self._facts)
        folder = await asyncio.to_thread(self._files.take, version)
        on_phase(Phase.VERIFIED)
        try:
            if (is_felt := self._felt.get(version.engine_name)) is None:
                is_felt = await asyncio.to_thread(self._check, version, folder)
                self._felt[version.engine_name] = is_felt
        except BaseException:
            self.release(version)
            raise
        on_phase(Phase.CHECKED)
        return Fetched(folder, is_felt)

    def _check(self, version: Version, folder: Path) -> bool:
        check_shapes(version, folder, self._base)
        changed = check_weights(version, folder, self._facts)
        return changes_speech(changed, self._base.model)

    def release(self, version: Version) -> None:
        """The files may go."""
        self._files.give_back(version)

    async def clean(self) -> None:
        """See `AdapterFiles.clean`."""
        await asyncio.to_thread(self._files.clean)

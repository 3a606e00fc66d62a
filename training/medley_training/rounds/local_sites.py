"""Sites of this machine that work one after another, in this process."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from time import monotonic

from medley_training.errors import TrainingError
from medley_training.rounds.events import Observer
from medley_training.rounds.transport import Answering, Failure, Request, Response

Building = Callable[[str, Observer], Answering]
"""Makes the site of a name; for several processes it must be picklable."""


class LocalSites:
    """Sites that are asked in this process, in the order of their names.

    Args:
        names: The sites.
        build: Makes a site when it is first asked.
        observe: Told of the sites' steps.
    """

    def __init__(self, names: tuple[str, ...], build: Building, observe: Observer) -> None:
        self._names = tuple(sorted(names))
        self._build = build
        self._observe = observe
        self._built: dict[str, Answering] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The sites, sorted."""
        return self._names

    def ask(
        self, requests: Mapping[str, Request], *, deadline_s: float | None
    ) -> Iterator[tuple[str, Response | Failure]]:
        """Ask one site after the other; one whose turn comes after the deadline is not asked."""
        end = None if deadline_s is None else monotonic() + deadline_s
        for name in sorted(requests):
            if end is not None and monotonic() > end:
                yield name, Failure(f"its turn did not come within {deadline_s:g} s")
                continue
            build = partial(self._build, name, self._observe)
            yield name, answer_or_failure(self._built, name, requests[name], build)


def answer_or_failure(
    built: dict[str, Answering], name: str, request: Request, build: Callable[[], Answering]
) -> Response | Failure:
    """What a site answers, or in one line why it does not; it is made when it is first asked."""
    try:
        if name not in built:
            built[name] = build()
        return built[name].handle(request)
    except TrainingError as error:
        return Failure(str(error))

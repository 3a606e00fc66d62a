"""A sitting: some models answer some suites on one server, which is started or given."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medley_registry import BaseModel, VariantKind
from medley_registry.base_variants import FORMS
from medley_registry.location import Location

from medley_training.errors import BadSuite, NotMeasured
from medley_training.measuring.quantization import check_quantization
from medley_training.measuring.served import served
from medley_training.suites.endpoint import Endpoint, ServerAddress
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.outcome import Outcome, hold
from medley_training.suites.suite import Observer, Suite

Show = Callable[[str], AbstractContextManager[Observer]]
"""Shows how far something of that name is."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What came of it.

    Attributes:
        facts: What the server said of itself (`GET /benchmark`).
        variant: The form of the base that it served.
    """

    outcomes: tuple[Outcome, ...]
    facts: Mapping[str, Any]
    variant: VariantKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """How to start a server of one's own.

    Attributes:
        registry: Where the versions are.
        log: Takes what it prints.
        engine_flags: For vLLM.
    """

    registry: Location
    log: Path
    engine_flags: Sequence[str] = ()


@contextmanager
def server(
    own: Own, base: BaseModel, variant: VariantKind, *, is_base_alone: bool
) -> Iterator[ServerAddress]:
    """A server of one's own, ready on entry and stopped on exit.

    It has a key of its own, because the registry's access keys hold for it too.

    Raises:
        ServerDidNotStart: It did not; the message has the end of its log.
    """
    key = secrets.token_urlsafe()
    with served(
        base,
        own.registry,
        variant=variant,
        log=own.log,
        max_loras=0 if is_base_alone else None,
        engine_flags=own.engine_flags,
        environment={"MEDLEY_API_KEY": key},
    ) as found:
        yield ServerAddress(found.url, key)


def sit(
    address: ServerAddress,
    suites: Sequence[Suite],
    models: Sequence[EvaluatedModel],
    *,
    variant: VariantKind | None,
    concurrency: int,
    seed: int,
    show: Show,
    check: Callable[[VariantKind], None] = lambda _: None,
) -> Sitting:
    """Put every suite to every model.

    Args:
        address: The server's.
        suites: What is asked.
        models: All of one base.
        variant: What the server must serve; None for whatever it does.
        concurrency: Questions under way at once.
        seed: Of the intervals.
        show: Called for each suite and model.
        check: Told what is served before anything is asked; it may refuse.

    Raises:
        BadSuite: The server serves something else.
        NotMeasured: It did not answer everything, or runs something else than it says.
    """

    async def all_of_it() -> Sitting:
        async with Endpoint(address, concurrency=concurrency) as endpoint:
            facts = await endpoint.facts()
            found = _served_variant(facts, models[0].base, variant, address.url)
            check(found)
            outcomes = []
            for suite in suites:
                for model in models:
                    with show(f"{suite.name} {model.name}") as observer:
                        held = await hold(suite, endpoint, model, seed=seed, observer=observer)
                    outcomes.append(held)
            return Sitting(tuple(outcomes), facts, found)

    return asyncio.run(all_of_it())


def _served_variant(
    facts: Mapping[str, Any], base: BaseModel, wanted: VariantKind | None, url: str
) -> VariantKind:
    """The form that the server says it serves.

    Raises:
        BadSuite: It is not the one that is wanted, or of another base.
        NotMeasured: The server does not say, or its engine runs another.
    """
    known = {kind.value: kind for kind in FORMS}
    found = known.get(str(facts.get("variant")))
    if found is None:
        raise NotMeasured(f"{url}/benchmark does not say which variant is served")
    if facts.get("base") != base.name:
        raise BadSuite(f"{url} serves {facts.get('base')}, and not {base.name}")
    if wanted is not None and wanted is not found:
        raise BadSuite(f"{url} serves {base.name} as {found}, and not as {wanted}")
    check_quantization(facts, base, found)
    return found

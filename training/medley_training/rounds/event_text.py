"""An event as one line for people."""

from functools import singledispatch

from medley_registry.inert import inert

from medley_training.amounts import count_text, counted, duration_text, size_text
from medley_training.rounds.events import (
    Aggregated,
    Contributed,
    Evaluated,
    Event,
    Failed,
    Judged,
    Measured,
    Metrics,
    Published,
    Refused,
    RoundStarted,
    RunFinished,
    RunStarted,
)

_NAMED_SITES = 8


def event_text(event: Event) -> str | None:
    """What to tell about an event; None where it only moves a bar."""
    text = _text(event)
    return None if text is None else inert(text)


def sites_text(sites: tuple[str, ...]) -> str:
    """The sites' names, or how many they are."""
    return ", ".join(sites) if len(sites) <= _NAMED_SITES else counted(len(sites), "site")


def refusal_text(event: Refused) -> str:
    """The reason's word, then the detail; a detail that begins with the word is not told twice."""
    return f"{event.reason}: {event.detail.removeprefix(f'{event.reason}: ')}"


def metrics_text(metrics: Metrics) -> str:
    """For example ``loss 2.71, token accuracy 0.512``."""
    return ", ".join(f"{metric_name(name)} {metrics[name]:.3g}" for name in metrics)


def metric_name(name: str) -> str:
    """A metric's name in words."""
    return {"field_f1": "field F1", "json_valid": "valid JSON"}.get(name, name.replace("_", " "))


def _losses(event: Contributed) -> str:
    if event.loss_first is not None and event.loss_last is not None:
        return f"loss {event.loss_first:.3f} → {event.loss_last:.3f}, "
    return "" if event.epsilon is None else f"ε {event.epsilon:.3g} so far, "


@singledispatch
def _text(event: object) -> str | None:
    return None


@_text.register
def _(event: RunStarted) -> str:
    verb = "goes on" if event.resumed else "starts"
    trained, of = count_text(event.trainable_parameters), count_text(event.base_parameters)
    return (
        f"run {event.run} {verb}: {event.recipe}, {event.strategy}, "
        f"{counted(len(event.sites), 'site')}, {counted(event.rounds, 'round')}, "
        f"{trained} trained parameters beside {of} of {event.base}"
    )


@_text.register
def _(event: RoundStarted) -> str:
    return f"round {event.round}: asks {sites_text(event.sites)}"


@_text.register
def _(event: Contributed) -> str:
    rate = f"{event.num_tokens / event.duration_s:.0f} tokens/s, " if event.duration_s > 0 else ""
    return (
        f"round {event.round}: {event.site} contributed, "
        f"{_losses(event)}{rate}{size_text(event.bytes_up)} up"
    )


@_text.register
def _(event: Refused) -> str:
    return f"round {event.round}: {event.site} refused, {refusal_text(event)}"


@_text.register
def _(event: Failed) -> str:
    return f"round {event.round}: {event.site} failed: {event.detail}"


@_text.register
def _(event: Aggregated) -> str:
    return (
        f"round {event.round}: {counted(len(event.weights), 'contribution')} aggregated in "
        f"{duration_text(event.duration_s)}, rank {event.rank}, {size_text(event.bytes)}"
    )


@_text.register
def _(event: Evaluated) -> str:
    which = f"round {event.round}" if event.round else "start"
    return f"{which}: held-out {metrics_text(event.pooled)}"


@_text.register
def _(event: Published) -> str:
    return f"round {event.round}: published {event.version}, {event.digest}"


@_text.register
def _(event: Measured) -> str:
    found = metrics_text(event.metrics)
    return f"round {event.round}: {event.version} on {event.variant}, {event.suite}: {found}"


@_text.register
def _(event: Judged) -> str:
    name = event.version.partition(":")[0]
    if event.lacks:
        lacks = "; ".join(event.lacks)
        return f"round {event.round}: {name}@{event.alias} stays, {event.version} lacks {lacks}"
    return f"round {event.round}: {name}@{event.alias} is {event.version}"


@_text.register
def _(event: RunFinished) -> str:
    version = f"{event.version}, " if event.version else ""
    return f"finished in {duration_text(event.duration_s)}: {version}{event.digest}"

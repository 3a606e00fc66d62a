"""Hand-made runs: their events, and folders with the files that a coordinator keeps."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
from medley_registry.digest import Digest
from medley_training.identity.keys import SigningKey
from medley_training.identity.statement import Losses, Statement
from medley_training.local.lora import LoraShape
from medley_training.rounds.event_log import EventLog
from medley_training.rounds.events import (
    Aggregated,
    Closed,
    Contributed,
    Evaluated,
    Event,
    Failed,
    Published,
    Refused,
    RoundStarted,
    RunFinished,
    RunStarted,
    SiteStarted,
    Step,
)
from medley_training.rounds.run_folder import RunFolder
from safetensors.numpy import save_file

SITES = ("east", "north", "west")
METRICS = ("loss", "token_accuracy")
BASE_BYTES = 2_000_000
_BEGAN = datetime(2026, 11, 21, 8, tzinfo=UTC)


def run_started(
    *, sites: Sequence[str] = SITES, rounds: int = 2, at: datetime = _BEGAN
) -> RunStarted:
    return RunStarted(
        run="run-1",
        recipe="smoke",
        strategy="stacking",
        rounds=rounds,
        sites=tuple(sites),
        base="tiny",
        trainable_parameters=1_000,
        base_parameters=1_000_000,
        base_bytes=BASE_BYTES,
        at=at,
    )


def step(site: str = "north", *, round_: int = 1, number: int = 1, of: int = 4) -> Step:
    return Step(
        round=round_,
        site=site,
        step=number,
        total_steps=of,
        loss=3.0 / (round_ + number / of),
        num_tokens=100 * number,
        elapsed_s=0.5 * number,
    )


def contributed(
    site: str = "north", *, round_: int = 1, bytes_up: int = 4_000, epsilon: float | None = None
) -> Contributed:
    return Contributed(
        round=round_,
        site=site,
        bytes_up=bytes_up,
        bytes_down=9_000,
        loss_first=2.5,
        loss_last=1.5,
        num_tokens=400,
        duration_s=2.0,
        sample_bucket=40,
        epsilon=epsilon,
    )


def refused(site: str = "east", *, round_: int = 1) -> Refused:
    detail = "altered: the file is not the one | that <b>was</b> signed"
    return Refused(round=round_, site=site, reason="altered", detail=detail)


def failed(site: str = "west", *, round_: int = 1) -> Failed:
    return Failed(round=round_, site=site, detail="no answer in 30 s")


def evaluated(
    round_: int, *, sites: Sequence[str] = SITES, metrics: Sequence[str] = METRICS
) -> Evaluated:
    value = 1.0 / (round_ + 2)
    scores = {site: dict.fromkeys(metrics, value + 0.01 * at) for at, site in enumerate(sites)}
    statistics = {"mean": value + 0.01, "minimum": value, "harmonic_mean": value + 0.009}
    return Evaluated(
        round=round_,
        scores=scores,
        pooled=dict.fromkeys(metrics, value + 0.01),
        fairness={metric: statistics for metric in metrics if metric != "loss"},
    )


def events_of_run(
    *,
    sites: Sequence[str] = SITES,
    rounds: int = 2,
    steps: int = 4,
    metrics: Sequence[str] = METRICS,
    epsilon: float | None = None,
) -> list[Event]:
    """A run in which all goes well, with a second between two events."""
    told: list[Event] = [
        run_started(sites=sites, rounds=rounds),
        evaluated(0, sites=sites, metrics=metrics),
    ]
    for number in range(1, rounds + 1):
        told += _round(number, sites, steps, metrics, epsilon)
    told.append(
        RunFinished(digest=f"sha256:{'c' * 64}", version=f"tiny-lora:{rounds}", duration_s=9.0)
    )
    seconds = count()
    return [_at(event, _BEGAN + timedelta(seconds=next(seconds))) for event in told]


def make_run_folder(path: Path, events: Sequence[Event]) -> RunFolder:
    """A folder with these events, and the files of each contribution among them."""
    folder = RunFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    log = EventLog(folder.events)
    for event in events:
        log.append(event)
        if isinstance(event, Contributed):
            keep_contribution(folder, event.round, event.site)
    return folder


def keep_contribution(
    folder: RunFolder, round_: int, site: str, *, also: dict[str, "np.ndarray"] | None = None
) -> None:
    """Write a contribution as a coordinator keeps it, with further tensors in it if wanted."""
    of_round = folder.round(round_)
    of_round.contribution(site).parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{factor}.weight": np.zeros(
            (2, 8) if factor == "A" else (8, 2), dtype=np.float32
        )
        for layer in (0, 1)
        for factor in "AB"
    }
    save_file({**tensors, **(also or {})}, of_round.contribution(site), {"codec": "none"})
    key_path = folder.path / f"{site}.pem"
    key = SigningKey.load(key_path) if key_path.exists() else SigningKey.make(key_path)
    envelope = statement(folder, round_, site).seal(key)
    of_round.statement(site).write_text(envelope.to_json(), encoding="utf-8")


def statement(folder: RunFolder, round_: int, site: str) -> Statement:
    digest = Digest.of(b"something")
    return Statement(
        run="run-1",
        round=round_,
        participant=site,
        nonce="00" * 16,
        start=digest,
        base=digest,
        quantization="none",
        shape=LoraShape(rank=2, alpha=4, target_modules=("q_proj",)),
        trains=("A", "B"),
        codec="none",
        update=Digest.of(folder.round(round_).contribution(site).read_bytes()),
        sample_bucket=40,
        privacy={"mechanism": "none"},
        code=digest,
        losses=Losses(first=2.5, last=1.5),
    )


def _round(
    number: int, sites: Sequence[str], steps: int, metrics: Sequence[str], epsilon: float | None
) -> list[Event]:
    told: list[Event] = [RoundStarted(round=number, sites=tuple(sites))]
    for site in sites:
        told.append(SiteStarted(round=number, site=site))
        told += [step(site, round_=number, number=at, of=steps) for at in range(1, steps + 1)]
        spent = None if epsilon is None else epsilon * number
        told.append(contributed(site, round_=number, epsilon=spent))
    return [
        *told,
        Closed(round=number, sites=tuple(sites)),
        Aggregated(
            round=number,
            duration_s=0.2,
            rank=2,
            weights={site: 1 / len(sites) for site in sites},
            bytes=5_000,
            notes=("kept 98 % of the energy",),
        ),
        evaluated(number, sites=sites, metrics=metrics),
        Published(round=number, version=f"tiny-lora:{number}", digest=f"sha256:{'d' * 64}"),
    ]


def _at(event: Event, at: datetime) -> Event:
    from dataclasses import replace

    return replace(event, at=at)

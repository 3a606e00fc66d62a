"""What left each site in a run, from its folder alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Any

from medley_training.errors import RunDamaged
from medley_training.reports.history import RunHistory, history
from medley_training.reports.received import Received, name_patterns, received
from medley_training.rounds.assessing import has_documents
from medley_training.rounds.event_log import read_events
from medley_training.rounds.event_text import refusal_text
from medley_training.rounds.events import Contributed, Event, Refused, RunStarted, SiteStarted
from medley_training.rounds.run_folder import RoundFolder, RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What left one site in one round, and what it was sent for it.

    Attributes:
        times: How often the log tells of it: more than once where the run was stopped in between,
            not at all where it was stopped just before that line.
        bytes_up: In all, statement included; `bytes_down` likewise, where the log tells it.
        file_bytes: The size of the contribution's file; None where it is not in the run folder.
        tensors: How many tensors the file holds.
        codec: How they are encoded, as the site's statement says.
        sample_bucket: The number of its examples, rounded down to a coarse series.
        losses: ``first``, ``last`` and, where it was asked for, ``of_start``; nothing where the
            site kept them to itself.
        num_tokens: Tokens that the training went through; it and `duration_s` are in the log.
        privacy: Mechanism and parameters of differential privacy, as the statement says.
        epsilon: Spent so far at this site; None without differential privacy.
        statement: The names of everything that the signed statement says.
        metrics: Its scores on its own held-out examples, where the sites were evaluated.
    """

    round: int
    site: str
    times: int
    bytes_up: int
    bytes_down: int | None
    file_bytes: int | None
    tensors: int | None
    codec: str | None
    sample_bucket: int | None
    losses: Mapping[str, float | None]
    num_tokens: int | None
    duration_s: float | None
    privacy: Mapping[str, Any]
    epsilon: float | None
    statement: tuple[str, ...]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A contribution that left its site and was refused.

    Attributes:
        file_bytes: The size of what was sent; None where the run folder does not keep it.
    """

    round: int
    site: str
    why: str
    file_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTotal:
    """What left one site over the whole run."""

    site: str
    rounds: int
    bytes_up: int
    bytes_down: int
    largest_upload_bytes: int
    share_of_base: float
    epsilon: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What left the sites of a run, as far as its coordinator's log and files tell.

    Attributes:
        base_bytes: The base model on disk in its own dtype.
        trainable_parameters: Of one adapter; `base_parameters` of the frozen model beside it.
        uploads: By round, then by site.
        totals: By site.
        tensor_names: Pattern → how many tensors of a contribution are called so.
        discarded: Contributions that left a site too, but were refused.
        failed: Round and site of every answer that did not come.
        told_counts: Sites whose exact number of examples is in the log, because they ran here.
        strangers: What a contribution or its statement holds that none should; nothing, if all
            is well.
        is_per_document: Whether sites sent the scores of each held-out example by itself.
    """

    run: str
    recipe: str
    strategy: str
    base: str
    base_bytes: int
    base_parameters: int
    trainable_parameters: int
    uploads: tuple[Upload, ...]
    totals: tuple[SiteTotal, ...]
    tensor_names: Mapping[str, int]
    discarded: tuple[Discarded, ...]
    failed: tuple[tuple[int, str], ...]
    told_counts: tuple[str, ...]
    strangers: tuple[str, ...]
    is_per_document: bool

    @property
    def trainable_share(self) -> float:
        """Trained parameters for each parameter of the base model."""
        return _share(self.trainable_parameters, self.base_parameters)

    def share_of_base(self, size_bytes: int) -> float:
        """A size for each byte of the base model; not a number where that was not known."""
        return _share(size_bytes, self.base_bytes)

    def to_json(self) -> dict[str, Any]:
        """The report for programs; a number that is not finite is null."""
        found: dict[str, Any] = _plain(asdict(self))
        return {**found, "trainable_share": _plain(self.trainable_share)}


def privacy_report(run_dir: Path) -> Report:
    """What left each site, from the run folder's log and the files it keeps.

    It tells what the coordinator got. What else a site's machine may have sent to others, no
    coordinator can know.

    Raises:
        RunDamaged: The folder holds no run that began, or a file in it is not in its form.
    """
    events = events_of(run_dir)
    run = history(events)
    started = _started(run, run_dir)
    folder = RunFolder(run_dir)
    found = {
        (each.number, site): received(
            folder.round(each.number).contribution(site), folder.round(each.number).statement(site)
        )
        for each in run.rounds
        for site in sorted({*each.contributed, *_kept(folder.round(each.number))})
    }
    uploads = tuple(_upload(run, *key, found[key]) for key in found)
    names = {name: "" for each in found.values() if each.file for name in each.file.tensors}
    return Report(
        run=started.run,
        recipe=started.recipe,
        strategy=started.strategy,
        base=started.base,
        base_bytes=started.base_bytes,
        base_parameters=started.base_parameters,
        trainable_parameters=started.trainable_parameters,
        uploads=uploads,
        totals=tuple(_total(site, uploads, started.base_bytes) for site in run.sites),
        tensor_names=name_patterns(names),
        discarded=tuple(
            _discarded(folder, refusal) for each in run.rounds for refusal in each.refused
        ),
        failed=tuple((each.number, site) for each in run.rounds for site in sorted(each.failed)),
        told_counts=_told_counts(events),
        strangers=_strangers(found),
        is_per_document=any(has_documents(folder.round(each.number)) for each in run.rounds),
    )


def events_of(run_dir: Path) -> tuple[Event, ...]:
    """The events of a run folder.

    Raises:
        RunDamaged: There are none.
    """
    events = read_events(RunFolder(run_dir).events)
    if not events:
        raise RunDamaged(f"{run_dir} has no log of events; is it a run folder?")
    return events


def _started(run: RunHistory, run_dir: Path) -> RunStarted:
    if run.started is None:
        raise RunDamaged(f"the log in {run_dir} does not say how the run began")
    return run.started


def _kept(folder: RoundFolder) -> list[str]:
    """The sites whose contributions lie in the folder; each has a statement, written last."""
    suffix = folder.statement("").name
    return [path.name.removesuffix(suffix) for path in folder.path.glob(f"contributions/*{suffix}")]


def _discarded(folder: RunFolder, refusal: Refused) -> Discarded:
    sent = folder.round(refusal.round).refusal(refusal.site).with_suffix(".bin")
    return Discarded(
        round=refusal.round,
        site=refusal.site,
        why=refusal_text(refusal),
        file_bytes=sent.stat().st_size if sent.exists() else None,
    )


def _upload(run: RunHistory, number: int, site: str, got: Received) -> Upload:
    of_round = next(each for each in run.rounds if each.number == number)
    event = of_round.contributed.get(site)
    sent = [each for each in run.transfers if (each.round, each.site) == (number, site)]
    statement = got.statement or {}
    scores = of_round.evaluated.scores if of_round.evaluated else {}
    privacy = statement.get("privacy") or {}
    file_bytes = got.file.size_bytes if got.file else None
    return Upload(
        round=number,
        site=site,
        times=len(sent),
        bytes_up=sum(each.bytes_up for each in sent) or (file_bytes or 0) + got.statement_bytes,
        bytes_down=sum(each.bytes_down for each in sent) if sent else None,
        file_bytes=file_bytes,
        tensors=len(got.file.tensors) if got.file else None,
        codec=statement.get("codec"),
        sample_bucket=statement.get("sample_bucket", event.sample_bucket if event else None),
        losses=statement.get("losses") or _losses(event),
        num_tokens=event.num_tokens if event else None,
        duration_s=event.duration_s if event else None,
        privacy=privacy,
        epsilon=event.epsilon if event else privacy.get("epsilon"),
        statement=tuple(sorted(name for name in statement if statement[name] is not None)),
        metrics=scores.get(site, {}),
    )


def _losses(event: Contributed | None) -> dict[str, float]:
    told = {"first": event.loss_first, "last": event.loss_last} if event else {}
    return {name: loss for name, loss in told.items() if loss is not None}


def _total(site: str, uploads: Sequence[Upload], base_bytes: int) -> SiteTotal:
    own = [upload for upload in uploads if upload.site == site]
    largest = max((upload.bytes_up // max(upload.times, 1) for upload in own), default=0)
    spent = [upload.epsilon for upload in own if upload.epsilon is not None]
    return SiteTotal(
        site=site,
        rounds=len(own),
        bytes_up=sum(upload.bytes_up for upload in own),
        bytes_down=sum(upload.bytes_down or 0 for upload in own),
        largest_upload_bytes=largest,
        share_of_base=_share(largest, base_bytes),
        epsilon=spent[-1] if spent else None,
    )


def _told_counts(events: Sequence[Event]) -> tuple[str, ...]:
    sites = {
        event.site
        for event in events
        if isinstance(event, SiteStarted) and event.num_examples is not None
    }
    return tuple(sorted(sites))


def _strangers(found: Mapping[tuple[int, str], Received]) -> tuple[str, ...]:
    return tuple(
        f"round {number}, {site}: {what}"
        for (number, site), each in found.items()
        for what in each.strangers
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(of_name) for name, of_name in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value

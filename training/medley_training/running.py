"""Carrying out a run from beginning to end: the one place that wires it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_registry.durable import make_folder
from medley_registry.location import locate
from medley_registry.opening import open_registry
from medley_registry.own_key import signer_for
from medley_registry.references import check_alias

from medley_training.base_source import TINY, find_base
from medley_training.data.histogram import label_histogram
from medley_training.data.report_table import render_report
from medley_training.errors import BadKey
from medley_training.identity.participants import ParticipantBook
from medley_training.recipe import Recipe
from medley_training.reports.page import run_report
from medley_training.rounds.coordinator import Coordinator
from medley_training.rounds.describing import run_started
from medley_training.rounds.event_log import EventLog
from medley_training.rounds.events import Observer, together
from medley_training.rounds.one_machine import (
    coordinators_root,
    federated_data,
    register_sites,
    sites_here,
)
from medley_training.rounds.progress import rounds_progress
from medley_training.rounds.publication import Publisher
from medley_training.rounds.run import Run, open_run
from medley_training.rounds.run_folder import Phase, RunFolder, write_json
from medley_training.rounds.transport import Sites
from medley_training.rounds.variant_measuring import VariantMeasuring
from medley_training.rounds.variants import Measure

if TYPE_CHECKING:
    from medley_training.flower.certificates import CertificateFolder
    from medley_training.flower.sites import FlowerSites

_SHOWN_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRun:
    """A run with all that carrying it out needs but its sites.

    Attributes:
        run: What to carry out, and where.
        publisher: Where versions go.
        measure: Measures each version on the variants that the recipe names.
        observe: Writes events down and shows them.
    """

    run: Run
    publisher: Publisher
    measure: Measure
    observe: Observer

    def carry_out(self, sites: Sites) -> dict[str, Any]:
        """Do all rounds that are left, and write the run's page with its plots; the summary.

        Raises:
            TrainingError: The run cannot go on.
            RegistryError: A version could not be published.
        """
        self.observe(run_started(self.run))
        summary = Coordinator(
            run=self.run,
            sites=sites,
            publisher=self.publisher,
            root=coordinators_root(self.run, self.run.base),
            measure=self.measure,
            observe=self.observe,
        ).carry_out()
        run_report(self.run.folder.path)
        return summary


@contextmanager
def opened_run(
    recipe: Recipe,
    path: Path,
    *,
    registry: str | None = None,
    key: Path | None = None,
    promote: str | None = None,
    participants: Path | None = None,
    is_quiet: bool = False,
) -> Iterator[OpenedRun]:
    """Begin a run in a folder, or take up the one that is there; no other process has it then.

    Args:
        recipe: What to compute.
        path: The run's folder.
        registry: Where to publish. A run on the tiny base publishes into its own folder unless
            told otherwise: its versions are of no use to anybody else.
        key: Signs the versions, where the registry asks for it.
        promote: An alias to point at each round's version, if its policy lets it.
        participants: Whose signatures count; the run's own book where it is not given.
        is_quiet: Show no progress.

    Raises:
        TrainingError: The run cannot begin, or cannot go on.
    """
    if promote is not None:
        check_alias(promote)
    folder = RunFolder(path)
    with ExitStack() as scope:
        scope.enter_context(folder.held())
        place = registry or _own_registry(recipe, path)
        opened = scope.enter_context(open_registry(place, create=True))
        base = find_base(recipe.base, opened, made=path / "base")
        run = open_run(path, recipe, base, book=participants)
        display = scope.enter_context(rounds_progress(quiet=is_quiet))
        signer = signer_for(opened, key)
        measure = VariantMeasuring(
            registry=opened,
            place=locate(place),
            base=base,
            recipe=recipe,
            logs=path / "variants",
        )
        measure.check()
        yield OpenedRun(
            run=run,
            publisher=Publisher(opened, base, recipe.adapter, signer, alias=promote),
            measure=measure,
            observe=together(EventLog(folder.events).append, display),
        )


def carry_out_here(
    recipe: Recipe,
    path: Path,
    *,
    registry: str | None = None,
    key: Path | None = None,
    promote: str | None = None,
    workers: int = 1,
    is_quiet: bool = False,
) -> dict[str, Any]:
    """Begin or continue a run whose sites are all on this machine; its summary.

    Args:
        recipe: What to compute.
        path: The run's folder.
        registry: Where to publish; see `opened_run`.
        key: Signs the versions, where the registry asks for it.
        promote: An alias to point at each round's version; see `opened_run`.
        workers: How many sites work at once.
        is_quiet: Show no progress.

    Raises:
        TrainingError: The run cannot begin, or cannot go on.
        RegistryError: A version could not be published.
    """
    with opened_run(
        recipe, path, registry=registry, key=key, promote=promote, is_quiet=is_quiet
    ) as opened:
        register_sites(opened.run)
        _describe_data(opened.run, is_quiet=is_quiet)
        with sites_here(opened.run, workers=workers, observe=opened.observe) as sites:
            return opened.carry_out(sites)


def _describe_data(run: Run, *, is_quiet: bool) -> None:
    """Show and keep which labels are where, and that no chat is in two places."""
    from rich.console import Console

    report = federated_data(run.recipe.model_dump_json()).report
    if run.folder.data.exists():
        return
    if not is_quiet:
        Console(stderr=True).print(render_report(report))
    make_folder(run.folder.plots)
    for suffix in (".png", ".svg"):
        label_histogram(report, run.folder.plots / f"labels{suffix}")
    write_json(run.folder.data, report.to_json())


def carry_out_across(
    recipe: Recipe,
    path: Path,
    *,
    listen: str,
    certificates: "CertificateFolder",
    participants: Path,
    wait: int | None = None,
    registry: str | None = None,
    key: Path | None = None,
    promote: str | None = None,
    is_quiet: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Begin or continue a run whose sites are on machines of their own; its summary.

    Args:
        recipe: What to compute.
        path: The run's folder.
        listen: HOST:PORT for the sites.
        certificates: Who the coordinator is; the sites' node keys.
        participants: Whose signatures count.
        wait: Begin once so many sites are connected; by default as many as a round needs.
        registry: Where to publish; see `opened_run`.
        key: Signs the versions, where the registry asks for it.
        promote: An alias to point at each round's version; see `opened_run`.
        is_quiet: Show no progress.
        tell: Told in a line who is connected.

    Raises:
        BadKey: A site of the recipe has no key in the book, or no node key.
        TrainingError: The run cannot begin, or cannot go on.
        RegistryError: A version could not be published.
    """
    from medley_training.flower.coordinator import serve_coordinator

    _require_registered(recipe, participants)
    with (
        opened_run(
            recipe,
            path,
            registry=registry,
            key=key,
            promote=promote,
            participants=participants,
            is_quiet=is_quiet,
        ) as opened,
        serve_coordinator(
            path / "superlink", listen=listen, certificates=certificates, only=recipe.sites.names
        ) as sites,
    ):
        tell(f"listening for {', '.join(recipe.sites.names)} at {listen}")
        if not _is_finished(opened.run):
            _wait_for(sites, wait or recipe.sites.min_contributions, tell)
        return opened.carry_out(sites)


def _require_registered(recipe: Recipe, participants: Path) -> None:
    if missing := sorted(set(recipe.sites.names) - set(ParticipantBook(participants).names)):
        raise BadKey(
            f"{participants} has no key of {missing[0]}: add it with"
            f" `medley train participant add {missing[0]} KEY.pem --book {participants}`"
        )


def _is_finished(run: Run) -> bool:
    return run.folder.round(run.recipe.rounds).phase is Phase.ACKNOWLEDGED


def _wait_for(sites: "FlowerSites", count: int, tell: Callable[[str], None]) -> None:
    before: tuple[str, ...] | None = None
    while before is None or len(before) < count:
        connected = sites.wait(count, timeout_s=_SHOWN_EVERY_S)
        if connected != before:
            tell(f"connected: {', '.join(connected) or 'nobody'}; {count} are waited for")
        before = connected


def _own_registry(recipe: Recipe, path: Path) -> Path | None:
    is_named = bool(os.environ.get("MEDLEY_REGISTRY"))
    return None if is_named or recipe.base.path != TINY else path / "registry"

"""What a report is about: versions with their evidence, decisions, bases, and runs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from medley_registry import BaseModel, Decision, Evidence, Variant, Version
from medley_registry.item_scores import Item
from medley_registry.variants import VariantKind

from medley_training.reports.history import RunHistory
from medley_training.reports.privacy import Report
from medley_training.reports.records.environment import Environment, load_text, load_weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The newest evidence of one suite about one variant of a version in one environment.

    Attributes:
        earlier: How many there were before it.
        items: What each item contributed, where that was recorded.
    """

    version: Version
    evidence: Evidence
    environment: Environment
    earlier: int
    items: tuple[Item, ...]

    @property
    def variant(self) -> VariantKind:
        return self.evidence.variant

    @property
    def conditions(self) -> tuple[int, str, str]:
        """Environment, suite and the suite's content: what is compared has the same of each."""
        evidence = self.evidence
        return self.environment.number, evidence.suite, evidence.suite_digest.hex

    @property
    def order(self) -> tuple[int, str, float, str]:
        """Sorts by conditions, a benchmark's lighter loads first."""
        number, suite, content = self.conditions
        return number, suite, load_weight(self.evidence.environment), content

    @property
    def suite_text(self) -> str:
        """The suite and its load, for example ``bench (closed, concurrency 4)``."""
        load = load_text(self.evidence.environment)
        return f"{self.evidence.suite} ({load})" if load else self.evidence.suite

    @property
    def conditions_text(self) -> str:
        """For example ``bench (closed, concurrency 4), environment 1``."""
        return f"{self.suite_text}, {self.environment.title}"


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder: how it is called here, its course, what left its sites, its last event."""

    name: str
    history: RunHistory
    privacy: Report
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What a report is about.

    Attributes:
        bases: Of the versions, and every base that was made from one of them.
        versions: By adapter, then by number; those that were measured or decided on, or asked for.
        leading: The ones that summary, plots and recommendations are about: those asked for, else
            of each adapter the newest that was measured.
        variants: Of the versions.
        benchmarks, evaluations: By version, variant and suite.
        decisions: About the versions, oldest first.
    """

    bases: tuple[BaseModel, ...] = ()
    versions: tuple[Version, ...] = ()
    leading: tuple[Version, ...] = ()
    variants: tuple[Variant, ...] = ()
    benchmarks: tuple[Measurement, ...] = ()
    evaluations: tuple[Measurement, ...] = ()
    decisions: tuple[Decision, ...] = ()
    runs: tuple[Run, ...] = ()

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        return self.benchmarks + self.evaluations

    @property
    def newest(self) -> datetime | None:
        """When the newest of these records was made."""
        times = [each.evidence.at for each in self.measurements]
        times += [each.at for each in self.decisions]
        times += [run.newest for run in self.runs]
        return max(times, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a report is asked to be about; nothing named means everything."""

    references: tuple[str, ...] = ()
    adapter: str | None = None
    base: str | None = None
    runs: tuple[Path, ...] = ()

"""How a run's data lies over its sites: proven disjoint, counted, and how skewed it truly is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medley_training.data.config import DataConfig
from medley_training.data.fingerprint import set_digest
from medley_training.data.labelled import LabelledExample, SiteData
from medley_training.errors import SitesOverlap


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """One site's data.

    Attributes:
        train: How many examples it learns from.
        held_out: How many it is evaluated on.
        groups: How many groups both are made of.
        labels: How many of its examples have each label, both parts together.
        distance: Total-variation distance of its labels to all sites' together: 0 where they are
            distributed alike, near 1 where it has what nobody else has.
        digest: SHA-256 over the digests of its examples, whatever their order.
    """

    train: int
    held_out: int
    groups: int
    labels: Mapping[str, int]
    distance: float
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionReport:
    """All sites' data.

    Attributes:
        source: Where the examples come from.
        rule: How they were spread.
        alpha: The concentration of the Dirichlet draw; None without one.
        draws: How many draws it took until each site had enough; more than 1 means that the skew
            is less than such a draw's on average.
        copies: How many chats were left out because the same one is there already.
        shared_groups: How many groups have different chats at several sites, on the same side;
            more than 0 only where the data itself names the sites.
        root: How many examples the coordinator withholds.
        labels: How many examples have each label over all sites.
        sites: Each site's data.
        mean_distance: The sites' distances, each weighed by its size: the skew in one number.
    """

    source: str
    rule: str
    alpha: float | None
    draws: int
    copies: int
    shared_groups: int
    root: int
    labels: Mapping[str, int]
    sites: Mapping[str, SiteReport]
    mean_distance: float

    @property
    def how(self) -> str:
        """What was spread and by which rule: ``medmcqa, by label, Dirichlet(0.1)``."""
        rule = f"{self.source}, {self.rule.replace('_', ' ')}"
        return rule if self.alpha is None else f"{rule}, Dirichlet({self.alpha:g})"

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)


def partition_report(
    sites: Mapping[str, SiteData],
    root: Sequence[LabelledExample],
    *,
    config: DataConfig,
    draws: int = 1,
    copies: int = 0,
) -> PartitionReport:
    """Describe the sites' data, once it is proven that no two parts share anything.

    Raises:
        SitesOverlap: A chat or a group is in two parts.
    """
    require_disjoint(sites, root, may_share_groups=config.partition == "by_site")
    labels = Counter(each.label for own in sites.values() for each in _all(own))
    reports = {site: _site_report(own, labels) for site, own in sites.items()}
    total = max(1, labels.total())
    return PartitionReport(
        source=config.source,
        rule=config.partition,
        alpha=None if config.partition == "by_site" else config.alpha,
        draws=draws,
        copies=copies,
        shared_groups=_shared_groups(sites),
        root=len(root),
        labels=_sorted(labels),
        sites=reports,
        mean_distance=sum(
            each.distance * (each.train + each.held_out) / total for each in reports.values()
        ),
    )


def require_disjoint(
    sites: Mapping[str, SiteData],
    root: Sequence[LabelledExample],
    *,
    may_share_groups: bool = False,
) -> None:
    """Check that no chat and no group is in two parts.

    Parts are what one site learns from, what one site holds out, and the coordinator's examples.
    Chats are compared by the digests of their texts, not by where they came from.

    Args:
        sites: The sites' parts.
        root: The coordinator's part.
        may_share_groups: Two sites may both learn from, or both hold out, different chats of one
            group: a by-site partition cannot move them.

    Raises:
        SitesOverlap: Two parts share a chat or a group; the message names both and the chat.
    """
    chats: dict[str, str] = {}
    groups: dict[str, tuple[str, str]] = {}
    for part, side, examples in _parts(sites, root):
        scope = side if may_share_groups else part
        for each in examples:
            before = chats.setdefault(each.digest, part)
            if before != part:
                raise SitesOverlap(f"one chat is in {before} and in {part}: {_opening(each)}")
            first, first_scope = groups.setdefault(each.group, (part, scope))
            if first_scope != scope:
                raise SitesOverlap(
                    f"chats of one group are in {first} and in {part}: {_opening(each)}"
                )


def total_variation(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Half the summed differences of two histograms' shares, from 0 (alike) to 1 (disjoint)."""
    one_total, other_total = sum(one.values()), sum(other.values())
    if not one_total or not other_total:
        return 0.0
    return (
        sum(
            abs(one.get(label, 0) / one_total - other.get(label, 0) / other_total)
            for label in sorted({*one, *other})
        )
        / 2
    )


def _parts(
    sites: Mapping[str, SiteData], root: Sequence[LabelledExample]
) -> Iterable[tuple[str, str, Sequence[LabelledExample]]]:
    yield "the coordinator's examples", "root", root
    for site, own in sites.items():
        yield f"what {site} learns from", "train", own.train
        yield f"what {site} holds out", "held out", own.held_out


def _shared_groups(sites: Mapping[str, SiteData]) -> int:
    at_sites = Counter(
        group for own in sites.values() for group in {each.group for each in _all(own)}
    )
    return sum(count > 1 for count in at_sites.values())


def _site_report(own: SiteData, pooled: Mapping[str, int]) -> SiteReport:
    examples = _all(own)
    labels = Counter(each.label for each in examples)
    return SiteReport(
        train=len(own.train),
        held_out=len(own.held_out),
        groups=len({each.group for each in examples}),
        labels=_sorted(labels),
        distance=total_variation(labels, pooled),
        digest=set_digest(each.digest for each in examples),
    )


def _all(own: SiteData) -> tuple[LabelledExample, ...]:
    return (*own.train, *own.held_out)


def _sorted(labels: Mapping[str, int]) -> dict[str, int]:
    return {
        label: labels[label] for label in sorted(labels, key=lambda each: (-labels[each], each))
    }


def _opening(example: LabelledExample) -> str:
    text = " ".join(example.example.messages[0].content.split())
    return repr(text if len(text) <= 60 else f"{text[:60]}…")

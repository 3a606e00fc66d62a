"""The data of a run: what each site learns from and holds out, and the coordinator's own share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from medley_training.data.config import DataConfig
from medley_training.data.held_out import draw_groups, hold_out, hold_out_tests
from medley_training.data.labelled import LabelledExample, SiteData, without_copies
from medley_training.data.partition import Partition, by_label, by_quantity, by_site
from medley_training.data.report import PartitionReport, partition_report
from medley_training.data.sources.catalogue import load_source
from medley_training.errors import NothingToLearn

Examples: TypeAlias = tuple[LabelledExample, ...]


@dataclass(frozen=True, slots=True)
class FederatedData:
    """A run's data.

    Attributes:
        sites: Each site's own examples; a prefix of them is a fair sample.
        root: Clean examples that the coordinator withholds from all sites (FLTrust's root set).
        report: How the data lies, proven free of overlap.
    """

    sites: Mapping[str, SiteData]
    root: Examples
    report: PartitionReport


def site_data(config: DataConfig, sites: Sequence[str], seed: int) -> FederatedData:
    """Load the source and spread it over the sites; the same arguments give the same data.

    Copies of a chat are used once, wherever they were. The pool is spread over the sites, the
    coordinator's share is withheld from each, and of the rest each site holds out its own: groups
    stay whole throughout.

    Raises:
        BadSource: The source's files are missing or not in their form, or lack a site.
        BadExample: A line of a JSON-lines file is not a chat.
        RecipeError: The draw cannot give each site what `config` asks for.
        NothingToLearn: A site is left without an example to learn from.
    """
    found = load_source(config, sites, seed)
    pool = without_copies(found)
    partition = _partition(pool, config, sites, seed)
    root, rest = _withhold(partition.sites, config, seed)
    if config.official_test:
        split = hold_out_tests(rest)
    else:
        split = hold_out(rest, share=config.held_out_share, seed=seed)
    for site, own in split.items():
        if not own.train:
            raise NothingToLearn(f"the site {site} is left without an example to learn from")
    ordered = {
        site: SiteData(shuffled(own.train, seed), shuffled(own.held_out, seed))
        for site, own in split.items()
    }
    report = partition_report(
        ordered, root, config=config, draws=partition.draws, copies=len(found) - len(pool)
    )
    return FederatedData(ordered, shuffled(root, seed), report)


def _withhold(
    sites: Mapping[str, Examples], config: DataConfig, seed: int
) -> tuple[Examples, dict[str, Examples]]:
    groups: set[str] = set()
    for own in sites.values():
        tests = {each.group for each in own if each.is_test}
        free = [each for each in own if each.group not in tests]
        groups |= draw_groups(free, share=config.root_share, seed=seed, purpose="root")
    root = tuple(each for own in sites.values() for each in own if each.group in groups)
    rest = {
        site: tuple(each for each in own if each.group not in groups) for site, own in sites.items()
    }
    return root, rest


def _partition(pool: Examples, config: DataConfig, sites: Sequence[str], seed: int) -> Partition:
    wanted = config.examples_per_site
    if config.partition == "by_site":
        found = by_site(pool, sites)
        if wanted is None:
            return found
        return Partition({site: _sample(own, wanted, seed) for site, own in found.sites.items()})
    rule = by_label if config.partition == "by_label" else by_quantity
    return rule(
        pool if wanted is None else _sample(pool, wanted * len(sites), seed),
        sites,
        alpha=config.alpha,
        seed=seed,
        min_per_site=config.min_per_site,
    )


def _sample(examples: Examples, count: int, seed: int) -> Examples:
    if len(examples) <= count:
        return examples
    drawn = draw_groups(examples, share=count / len(examples), seed=seed, purpose="sample")
    return tuple(each for each in examples if each.group in drawn)


def shuffled(examples: Examples, seed: int) -> Examples:
    """The examples in an order of their own, whatever order they came in; its start is a sample.

    It is by a keyed hash, so that an example's place does not depend on which others there are.
    """
    return tuple(
        sorted(examples, key=lambda each: sha256(f"{seed}/order/{each.digest}".encode()).digest())
    )

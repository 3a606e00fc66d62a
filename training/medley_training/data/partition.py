"""Spreading a pool of examples over sites, so that they differ as real ones do.

Groups stay whole: whatever the draw, the examples of one group are at one site. `by_site` alone
keeps what the data says.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, log
from random import Random
from typing import TypeAlias

from medley_training.data.labelled import LabelledExample
from medley_training.errors import BadSource, RecipeError

Group: TypeAlias = tuple[int, ...]
"""The places in the pool of the examples of one group."""

MAX_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Partition:
    """The sites' examples in the pool's order, and how many draws it took to get them."""

    sites: Mapping[str, tuple[LabelledExample, ...]]
    draws: int = 1


def by_site(examples: Sequence[LabelledExample], sites: Sequence[str]) -> Partition:
    """Give each named site the examples that the data says are its own.

    Raises:
        BadSource: A site has none.
    """
    found = {site: tuple(each for each in examples if each.site == site) for site in sites}
    known = sorted({each.site for each in examples if each.site is not None})
    for site, own in found.items():
        if not own:
            there = f"its sites are {', '.join(known)}" if known else "it names no sites at all"
            raise BadSource(
                f"the data has no examples of the site {site!r}: {there};"
                " partition by_label or by_quantity to spread it over others"
            )
    return Partition(found)


def by_label(
    examples: Sequence[LabelledExample],
    sites: Sequence[str],
    *,
    alpha: float,
    seed: int,
    min_per_site: int = 0,
) -> Partition:
    """Label skew: for each label, its shares over the sites are drawn from a Dirichlet(alpha).

    Yurochkin et al., "Bayesian Nonparametric Federated Learning of Neural Networks",
    arXiv:1905.12022, section 4; Li et al., "Federated Learning on Non-IID Data Silos",
    arXiv:2102.02079, section 4.1. A group counts for its most frequent label.

    Args:
        examples: The pool.
        sites: The sites' names.
        alpha: The concentration: the draw is even where it is large and one-sided near 0.
        seed: The same seed gives the same partition.
        min_per_site: The whole draw is repeated until each site has so many examples. What is
            kept is then a draw on that condition, which is less skewed than Dirichlet(alpha).

    Raises:
        RecipeError: `MAX_DRAWS` draws did not give each site enough.
    """
    pools: dict[str, list[Group]] = defaultdict(list)
    for group in groups_of(examples):
        counts = Counter(examples[place].label for place in group)
        pools[min(counts, key=lambda label: (-counts[label], label))].append(group)
    ordered = [pools[label] for label in sorted(pools)]
    return _draw(examples, ordered, sites, alpha=alpha, seed=seed, min_per_site=min_per_site)


def by_quantity(
    examples: Sequence[LabelledExample],
    sites: Sequence[str],
    *,
    alpha: float,
    seed: int,
    min_per_site: int = 0,
) -> Partition:
    """Size skew: the sites' shares of the shuffled pool are drawn from one Dirichlet(alpha).

    Li et al., arXiv:2102.02079, section 4.3. The arguments and errors are those of `by_label`.
    """
    pools = [groups_of(examples)]
    return _draw(examples, pools, sites, alpha=alpha, seed=seed, min_per_site=min_per_site)


def groups_of(examples: Sequence[LabelledExample]) -> list[Group]:
    """The groups, by their first example's place."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(examples):
        places[each.group].append(place)
    return [tuple(group) for group in places.values()]


def dirichlet(alpha: float, size: int, random: Random) -> list[float]:
    """One draw of `size` shares from the symmetric Dirichlet(alpha).

    Shares are normalised Gamma(alpha) variates. They are drawn as logarithms, by
    Gamma(alpha) = Gamma(alpha + 1) * U ** (1 / alpha) (Marsaglia and Tsang, "A simple method for
    generating gamma variables", 2000, section 6): for a small alpha they may all round to 0.
    """
    logs = [
        log(random.gammavariate(alpha + 1, 1)) + log(1 - random.random()) / alpha
        for _ in range(size)
    ]
    weights = [exp(each - max(logs)) for each in logs]
    return [weight / sum(weights) for weight in weights]


def _draw(
    examples: Sequence[LabelledExample],
    pools: Iterable[Sequence[Group]],
    sites: Sequence[str],
    *,
    alpha: float,
    seed: int,
    min_per_site: int,
) -> Partition:
    pools = tuple(pools)
    for draw in range(1, MAX_DRAWS + 1):
        random = Random(f"{seed}/partition/{draw}")  # noqa: S311 - a split of data, not a secret
        places: list[list[int]] = [[] for _ in sites]
        for pool in pools:
            shares = dirichlet(alpha, len(sites), random)
            for site, group in _dealt(random.sample(pool, len(pool)), shares):
                places[site] += group
        if min(map(len, places)) >= min_per_site:
            drawn = (tuple(examples[place] for place in sorted(own)) for own in places)
            return Partition(dict(zip(sites, drawn, strict=True)), draw)
    raise RecipeError(
        f"{MAX_DRAWS} draws with alpha {alpha} left one of {len(sites)} sites with fewer than"
        f" {min_per_site} examples: raise alpha, or take fewer sites or a smaller min_per_site"
    )


def _dealt(groups: Sequence[Group], shares: Sequence[float]) -> Iterable[tuple[int, Group]]:
    """Cut the row of groups at the shares; a group goes where its middle lies."""
    total = sum(map(len, groups))
    bounds = [bound * total for bound in accumulate(shares[:-1])]
    start = 0
    for group in groups:
        yield bisect_right(bounds, start + len(group) / 2), group
        start += len(group)

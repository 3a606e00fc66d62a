from collections import Counter
from collections.abc import Callable
from random import Random
from statistics import fmean, pvariance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.data.labelled import LabelledExample
from medley_training.data.partition import (
    MAX_DRAWS,
    Partition,
    by_label,
    by_quantity,
    by_site,
    dirichlet,
)
from medley_training.data.report import total_variation
from medley_training.errors import BadSource, RecipeError

from tests.unit.training.data.pools import even_pool, labelled, pool_of, pools

Draw = Callable[..., Partition]
SITES = ("north", "south", "west")
draws = pytest.mark.parametrize("rule", [by_label, by_quantity])


def _mean_skew(alpha: float, *, labels: int = 6, draws: int = 12) -> float:
    pool = even_pool(labels, 40)
    pooled = Counter(each.label for each in pool)
    return fmean(
        total_variation(Counter(each.label for each in own), pooled)
        for seed in range(draws)
        for own in by_label(pool, SITES, alpha=alpha, seed=seed, min_per_site=1).sites.values()
    )


@draws
@settings(max_examples=40)
@given(pool=pools, alpha=st.floats(0.01, 1000), seed=st.integers(0, 99), sites=st.integers(1, 6))
def test_every_example_is_at_exactly_one_site(
    rule: Draw, pool: tuple[LabelledExample, ...], alpha: float, seed: int, sites: int
) -> None:
    names = [f"site-{n}" for n in range(sites)]

    parts = rule(pool, names, alpha=alpha, seed=seed).sites

    assert list(parts) == names
    dealt = [each.digest for own in parts.values() for each in own]
    assert sorted(dealt) == sorted(each.digest for each in pool)


@draws
@settings(max_examples=40)
@given(pool=pools, alpha=st.floats(0.05, 100), seed=st.integers(0, 99))
def test_a_group_is_never_at_two_sites(
    rule: Draw, pool: tuple[LabelledExample, ...], alpha: float, seed: int
) -> None:
    parts = rule(pool, SITES, alpha=alpha, seed=seed).sites

    places = {(each.group, site) for site, own in parts.items() for each in own}
    assert len(places) == len({each.group for each in pool})


@draws
@settings(max_examples=40)
@given(pool=pools, seed=st.integers(0, 99))
def test_the_same_seed_gives_the_same_partition(
    rule: Draw, pool: tuple[LabelledExample, ...], seed: int
) -> None:
    first = rule(pool, SITES, alpha=0.5, seed=seed)

    assert rule(pool, SITES, alpha=0.5, seed=seed) == first


@draws
def test_another_seed_gives_another_partition(rule: Draw) -> None:
    pool = even_pool(4, 20)

    assert rule(pool, SITES, alpha=0.5, seed=1) != rule(pool, SITES, alpha=0.5, seed=2)


def test_labels_are_more_skewed_as_alpha_falls() -> None:
    skews = [_mean_skew(alpha) for alpha in (0.05, 0.3, 2.0, 50.0)]

    assert skews == sorted(skews, reverse=True)
    assert skews[0] > 0.5
    assert skews[-1] < 0.1


def test_a_size_skewed_partition_leaves_labels_alone() -> None:
    pool = even_pool(2, 600)

    parts = by_quantity(pool, SITES, alpha=0.5, seed=3, min_per_site=100).sites

    assert max(map(len, parts.values())) > 2 * min(map(len, parts.values()))
    for own in parts.values():
        assert 0.4 < fmean(each.label == "label 0" for each in own) < 0.6


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 10.0])
def test_shares_have_the_mean_and_variance_of_a_dirichlet_distribution(alpha: float) -> None:
    random, size = Random(5), 4

    drawn = [dirichlet(alpha, size, random)[0] for _ in range(4000)]

    # The first share is Beta(alpha, (size - 1) * alpha).
    expected = (1 / size) * (1 - 1 / size) / (size * alpha + 1)
    assert fmean(drawn) == pytest.approx(1 / size, abs=4 * (expected / len(drawn)) ** 0.5)
    assert pvariance(drawn) == pytest.approx(expected, rel=0.12)


@given(alpha=st.floats(1e-4, 1e4), size=st.integers(1, 20), seed=st.integers(0, 99))
def test_shares_add_up_to_one_however_small_alpha_is(alpha: float, size: int, seed: int) -> None:
    shares = dirichlet(alpha, size, Random(seed))

    assert len(shares) == size
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1)


def test_each_label_has_a_draw_of_its_own() -> None:
    parts = by_label(even_pool(30, 40), SITES, alpha=0.05, seed=1).sites

    mostly_at = {
        max(parts, key=lambda site: sum(each.label == f"label {label}" for each in parts[site]))
        for label in range(30)
    }
    assert mostly_at == set(SITES)


def test_the_draw_is_repeated_until_each_site_has_enough() -> None:
    pool = even_pool(2, 30)
    first = by_label(pool, SITES, alpha=0.1, seed=2)

    enough = by_label(pool, SITES, alpha=0.1, seed=2, min_per_site=12)

    assert min(map(len, first.sites.values())) < 12
    assert first.draws == 1
    assert enough.draws > 1
    assert min(map(len, enough.sites.values())) >= 12


def test_a_draw_that_cannot_give_enough_says_what_would() -> None:
    with pytest.raises(RecipeError, match=rf"{MAX_DRAWS} draws .* fewer than 4 .* raise alpha"):
        by_quantity(even_pool(1, 8), SITES, alpha=0.5, seed=1, min_per_site=4)


def test_a_group_counts_for_its_most_frequent_label() -> None:
    pool = pool_of([("b", 1), ("a", 1), ("b", 1), ("a", 2), ("a", 3)])

    parts = by_label(pool, SITES, alpha=1.0, seed=4).sites

    together = [own for own in parts.values() if pool[0] in own]
    assert pool[1] in together[0]
    assert pool[2] in together[0]


def test_by_site_keeps_what_the_data_says() -> None:
    pool = (labelled("1", site="south"), labelled("2", site="north"), labelled("3", site="south"))

    parts = by_site(pool, ["north", "south"]).sites

    assert parts == {"north": (pool[1],), "south": (pool[0], pool[2])}


@pytest.mark.parametrize(
    ("site", "reason"), [("south", "its sites are south"), (None, "it names no sites at all")]
)
def test_a_site_without_data_is_refused_with_the_sites_there_are(
    site: str | None, reason: str
) -> None:
    with pytest.raises(BadSource, match=f"no examples of the site 'north': {reason}"):
        by_site([labelled("1", site=site)], ["north"])

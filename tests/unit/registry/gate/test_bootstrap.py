"""Paired non-inferiority by resampling clusters within sites."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_registry import Better, Comparison, Item, Over
from medley_registry.gate.bootstrap import FEWEST_CLUSTERS, Compared, adjusted, compare

COMPARISON = Comparison(suite="documents", metric="f1", margin=0.05)
Site = tuple[str, Sequence[tuple[float, float]]]


def pairs(*sites: Site, of: float = 1.0) -> list[tuple[Item, Item]]:
    """A document each, with what candidate and baseline got right of `of` fields."""
    made = []
    for site, documents in sites:
        for number, (candidate, baseline) in enumerate(documents):
            name = f"{site}-{number}"
            made.append(
                (
                    Item(name, name, site, {"f1": (candidate, of)}),
                    Item(name, name, site, {"f1": (baseline, of)}),
                )
            )
    return made


def outcomes(items: list[tuple[Item, Item]], **changes: object) -> list[Compared]:
    comparison = Comparison(
        **{"suite": "documents", "metric": "f1", "margin": 0.05, **changes}  # type: ignore[arg-type]
    )
    random = np.random.default_rng(1)
    return compare(comparison, items, significance=0.05, random=random)


def drawn(mean: float, size: int = 60, *, seed: int = 1, shift: float = 0.0) -> Site:
    """Documents on which the candidate differs from the baseline by `shift` and some noise."""
    random = np.random.default_rng(seed)
    baseline = random.normal(mean, 0.1, size)
    candidate = baseline + shift + random.normal(0, 0.05, size)
    return "x", list(zip(candidate.tolist(), baseline.tolist(), strict=True))


def test_equal_answers_pass_with_the_smallest_p_there_is() -> None:
    (found,) = outcomes(pairs(("x", [(0.5, 0.5)] * 20)))

    assert found.difference == found.lower_bound == 0
    assert found.p_value == 1 / 10_001


def test_who_is_worse_by_more_than_the_margin_does_not_pass() -> None:
    (found,) = outcomes(pairs(drawn(0.8, shift=-0.1)))

    assert found.p_value > 0.99
    assert found.lower_bound < found.difference < -0.05


def test_who_is_worse_by_less_than_the_margin_passes() -> None:
    (found,) = outcomes(pairs(drawn(0.8, shift=-0.02)))

    assert found.p_value < 0.01
    assert -0.05 < found.lower_bound < 0


def test_a_metric_of_which_less_is_better_is_turned_round() -> None:
    worse = [(0.9, 0.5)] * 20

    (found,) = outcomes(pairs(("x", worse)), better=Better.LOWER)

    assert found.difference == pytest.approx(-0.4)
    assert found.p_value == 1


def test_a_site_that_lost_is_seen_though_the_mean_improved() -> None:
    better = ("a", [(0.9, 0.6)] * 40)
    worse = ("b", [(0.5, 0.6)] * 40)
    items = pairs(better, worse)

    (mean,) = outcomes(items)
    by_site = {one.site: one for one in outcomes(items, over=Over.EACH_SITE)}
    (worst,) = outcomes(items, over=Over.WORST_SITE)

    assert mean.difference > 0
    assert mean.p_value < 0.001
    assert by_site["a"].p_value < 0.001
    assert by_site["b"].p_value == worst.p_value == 1
    assert worst.difference == pytest.approx(-0.1)


def test_the_harmonic_mean_weighs_the_weak_site_most() -> None:
    items = pairs(("a", [(0.9, 0.8)] * 20), ("b", [(0.2, 0.3)] * 20))

    (found,) = outcomes(items, over=Over.HARMONIC_MEAN)

    assert found.candidate == pytest.approx(2 / (1 / 0.9 + 1 / 0.2))
    assert found.difference < 0  # though the mean is what it was


def test_items_of_one_cluster_are_drawn_together() -> None:
    random = np.random.default_rng(3)
    lost = random.normal(0, 0.1, FEWEST_CLUSTERS)

    def five_each(cluster: str) -> list[tuple[Item, Item]]:
        """Five documents of each patient, on which the candidate errs alike."""
        made = []
        for number in range(FEWEST_CLUSTERS * 5):
            name, patient = f"{number:03}", number // 5
            whose = cluster.format(document=number, patient=patient)
            candidate = Item(name, whose, "x", {"f1": (0.5 + float(lost[patient]), 1.0)})
            made.append((candidate, Item(name, whose, "x", {"f1": (0.5, 1.0)})))
        return made

    (loose,) = outcomes(five_each("{document}"))
    (tight,) = outcomes(five_each("{patient}"))

    assert loose.difference == pytest.approx(tight.difference)
    assert tight.lower_bound < loose.lower_bound
    assert (loose.clusters, tight.clusters) == (FEWEST_CLUSTERS * 5, FEWEST_CLUSTERS)


def test_too_few_documents_are_no_proof() -> None:
    with pytest.raises(ValueError, match="counted in 3 clusters of b; 8 at least"):
        outcomes(pairs(("a", [(1, 1)] * 20), ("b", [(1, 1)] * 3)))


def test_a_metric_nobody_counted_is_no_proof() -> None:
    with pytest.raises(ValueError, match="rare was counted in 0 clusters"):
        outcomes(pairs(("a", [(1, 1)] * 20)), metric="rare")


def test_documents_in_which_nothing_was_counted_are_no_documents() -> None:
    empty = [(Item(str(n), str(n), "a", {}),) * 2 for n in range(50)]

    with pytest.raises(ValueError, match="counted in 5 clusters"):
        outcomes([*pairs(("a", [(1, 1)] * 5)), *empty])


def test_leaving_out_what_is_difficult_does_not_pay() -> None:
    easy = pairs(("a", [(1.0, 0.9)] * 50))
    difficult = [(Item(f"d{n}", f"d{n}", "a", {}), each) for n, (_, each) in enumerate(easy[:9])]
    difficult = [(a, Item(a.name, a.name, "a", b.tallies)) for a, b in difficult]

    with pytest.raises(ValueError, match="was counted for one version only"):
        outcomes([*easy, *difficult])


def test_every_site_keeps_its_weight_among_all() -> None:
    """A small site that lost much: the bound must lie below the difference that was found."""
    items = pairs(("a", [(0.5, 1.0)] * 8), ("b", [(0.7, 0.7)] * 100))

    (found,) = outcomes(items, margin=0.035)

    assert found.difference == pytest.approx(-4 / 108)
    assert found.lower_bound == pytest.approx(found.difference)
    assert found.p_value == 1


def test_values_beyond_comparing_are_refused() -> None:
    with pytest.raises(ValueError, match="has no finite value"):
        outcomes(pairs(("a", [(1e307, -1e307)] * 10), of=0.1))
    with pytest.raises(ValueError, match="not negative"):
        outcomes(
            pairs(("a", [(-0.5, 0.5)] * 10), ("b", [(0.5, 0.5)] * 10)), over=Over.HARMONIC_MEAN
        )


def test_sums_are_divided_after_resampling() -> None:
    """F1 over documents of unlike size is not the mean of their F1."""
    items = [
        (Item(str(n), str(n), "x", {"f1": (n, 2 * n)}), Item(str(n), str(n), "x", {"f1": (0, n)}))
        for n in range(1, 20)
    ]

    (found,) = outcomes(items)

    assert (found.candidate, found.baseline) == (0.5, 0)


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-0.1, 0.1), seed=st.integers(0, 1000))
def test_a_wider_margin_never_makes_it_harder(shift: float, seed: int) -> None:
    items = pairs(drawn(0.7, 30, seed=seed, shift=shift))

    p_values = [outcomes(items, margin=margin)[0].p_value for margin in (0.01, 0.05, 0.2)]

    assert p_values == sorted(p_values, reverse=True)


@pytest.mark.slow
def test_one_in_twenty_who_is_worse_by_the_margin_passes() -> None:
    """The test's own error at the edge, over 200 drawings of 40 documents."""
    passed = sum(
        outcomes(pairs(drawn(0.7, 40, seed=seed, shift=-0.05)))[0].p_value <= 0.05
        for seed in range(200)
    )

    assert passed <= 20  # 10 expected; more than 20 has a chance of 0.2 %


def test_holms_adjustment_is_the_published_one() -> None:
    # The example in Holm's paper's notation: 0.01 * 4, 0.013 * 3, 0.014 * 2, 0.19, made monotone.
    assert adjusted([0.01, 0.013, 0.014, 0.19]) == pytest.approx([0.04, 0.04, 0.04, 0.19])
    assert adjusted([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_adjusted_values_are_no_smaller_and_in_the_same_order(p_values: list[float]) -> None:
    found = adjusted(p_values)

    assert all(p <= after <= 1 for p, after in zip(p_values, found, strict=True))
    by_value = [after for _, after in sorted(zip(p_values, found, strict=True))]
    assert by_value == sorted(by_value)

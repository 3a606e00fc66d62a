from random import Random

import pytest
from medley_registry import Item
from medley_training.errors import BadSuite
from medley_training.suites.answer import Answer
from medley_training.suites.comparison import Side, compare, sign_test
from medley_training.suites.measures import measured


def _item(name: str, right: float, *, cluster: str = "", site: str = "") -> Item:
    return Item(name, cluster or name, site, {"field_f1": (right, 10.0)})


def _answers(items: list[Item]) -> list[Answer]:
    return [
        Answer(item=item, prompt="?", said=str(item.tallies["field_f1"]), truth="!")
        for item in items
    ]


def _clusters(random: Random, num: int, *, size: int) -> list[Item]:
    """Documents of patients, all of a patient's as good as each other."""
    items = []
    for patient in range(num):
        right = 8.0 if random.random() < 0.5 else 4.0
        items += [_item(f"{patient}-{place}", right, cluster=f"{patient}") for place in range(size)]
    return items


def test_equal_items_have_equal_intervals() -> None:
    items = _clusters(Random(1), 20, size=2)

    assert measured(items) == measured(items[::-1])


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = Random(5)
    covered = 0
    for _ in range(100):
        found = measured(_clusters(random, 40, size=4))
        covered += found["field_f1/ci_low"] <= 0.6 <= found["field_f1/ci_high"]

    assert 88 <= covered <= 100


def test_documents_of_one_patient_do_not_count_as_so_many() -> None:
    together = measured(_clusters(Random(2), 20, size=8))
    apart = measured(
        [Item(i.name, i.name, "", i.tallies) for i in _clusters(Random(2), 20, size=8)]
    )

    width = together["field_f1/ci_high"] - together["field_f1/ci_low"]
    assert width > 2 * (apart["field_f1/ci_high"] - apart["field_f1/ci_low"])


def test_few_clusters_have_no_interval() -> None:
    found = measured([_item(str(number), 5.0) for number in range(7)])

    assert found == {"field_f1": 0.5}


def test_each_site_has_its_metrics_and_the_worst_is_seen() -> None:
    items = [_item(f"h{n}", 9.0, site="harbor") for n in range(8)]
    items += [_item(f"l{n}", 3.0, site="lakeside") for n in range(4)]

    found = measured(items)

    assert found["field_f1"] == pytest.approx((8 * 9 + 4 * 3) / 120)
    assert (found["field_f1/harbor"], found["field_f1/lakeside"]) == (0.9, 0.3)
    assert (found["field_f1/minimum"], found["field_f1/maximum"]) == (0.3, 0.9)
    assert found["field_f1/harmonic_mean"] == pytest.approx(0.45)
    assert "field_f1/harbor/ci_low" in found
    assert "field_f1/lakeside/ci_low" not in found


def test_a_comparison_is_of_pairs() -> None:
    random = Random(3)
    second = [_item(str(n), float(random.randint(0, 9))) for n in range(40)]
    first = [_item(i.name, i.tallies["field_f1"][0] + 1) for i in second]

    found = compare(
        "extraction",
        Side("a", _answers(first)),
        Side("b", _answers(second)),
        main_metric="field_f1",
    )

    [difference] = found.differences
    assert difference.difference == pytest.approx(0.1)
    # Each document got better by the same: however uneven they are, the difference is certain.
    assert difference.interval == pytest.approx((0.1, 0.1))
    assert (found.flips.better, found.flips.worse, found.flips.changed) == (40, 0, 40)


def test_flips_are_counted_though_the_mean_is_the_same() -> None:
    first = [_item(str(n), 9.0 if n % 2 else 1.0) for n in range(20)]
    second = [_item(str(n), 1.0 if n % 2 else 9.0) for n in range(20)]

    found = compare(
        "prompts", Side("a", _answers(first)), Side("b", _answers(second)), main_metric="field_f1"
    )

    assert found.differences[0].difference == 0
    assert (found.flips.better, found.flips.worse, found.flips.same) == (10, 10, 0)
    assert found.flips.p_value == 1


def test_other_items_are_not_compared() -> None:
    sides = (Side("a", _answers([_item("1", 1)])), Side("b", _answers([_item("2", 1)])))

    with pytest.raises(BadSuite, match="'1' the first"):
        compare("prompts", *sides, main_metric="field_f1")


@pytest.mark.parametrize(
    ("better", "worse", "expected"), [(0, 0, 1), (5, 5, 1), (6, 0, 2 / 64), (1, 9, 22 / 1024)]
)
def test_the_sign_test_is_exact(better: int, worse: int, expected: float) -> None:
    assert sign_test(better, worse) == pytest.approx(expected)

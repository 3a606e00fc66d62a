import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.data.held_out import draw_groups, hold_out, hold_out_tests
from medley_training.data.labelled import LabelledExample
from medley_training.data.partition import by_quantity

from tests.unit.training.data.pools import even_pool, labelled, pool_of, pools

SITES = ("north", "south", "west")


@given(pool=pools, share=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_no_group_is_both_learnt_from_and_held_out(
    pool: tuple[LabelledExample, ...], share: float, seed: int
) -> None:
    sites = by_quantity(pool, SITES, alpha=1, seed=seed).sites

    split = hold_out(sites, share=share, seed=seed)

    learnt = {each.group for own in split.values() for each in own.train}
    held_out = {each.group for own in split.values() for each in own.held_out}
    assert not learnt & held_out
    for site, own in split.items():
        assert sorted(map(repr, own.train + own.held_out)) == sorted(map(repr, sites[site]))


@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_the_share_is_met_where_groups_are_small(share: float, seed: int) -> None:
    drawn = draw_groups(even_pool(2, 50), share=share, seed=seed, purpose="x")

    assert len(drawn) == pytest.approx(100 * share, abs=1)


def test_a_group_that_is_far_too_large_stays_whole_and_out() -> None:
    pool = pool_of([("a", 0)] * 80 + [("a", n) for n in range(1, 21)])

    for seed in range(8):
        drawn = draw_groups(pool, share=0.1, seed=seed, purpose="x")
        assert "group 0" not in drawn or len(drawn) == 1


def test_what_one_site_holds_out_does_not_depend_on_the_others() -> None:
    north, south = even_pool(2, 20)[:25], even_pool(2, 20)[25:]

    alone = hold_out({"north": north}, share=0.2, seed=3)
    together = hold_out({"north": north, "south": south}, share=0.2, seed=3)

    assert together["north"] == alone["north"]


def test_a_group_at_two_sites_is_held_out_at_both() -> None:
    north = tuple(labelled(f"n{n}", group=f"{n}") for n in range(10))
    south = tuple(labelled(f"s{n}", group=f"{n}") for n in range(5, 40))

    split = hold_out({"north": north, "south": south}, share=0.3, seed=1)

    learnt = {each.group for own in split.values() for each in own.train}
    assert not learnt & {each.group for own in split.values() for each in own.held_out}


def test_something_is_held_out_and_something_left_of_two_groups() -> None:
    pool = pool_of([("a", 1), ("a", 2)])

    assert len(draw_groups(pool, share=0.01, seed=1, purpose="x")) == 1
    assert len(draw_groups(pool, share=0.99, seed=1, purpose="x")) == 1
    assert not draw_groups(pool[:1], share=0.5, seed=1, purpose="x")
    assert not draw_groups(pool, share=0, seed=1, purpose="x")


def test_the_authors_tests_are_held_out_with_their_groups() -> None:
    own = (labelled("1"), labelled("2", group="g", is_test=True), labelled("3", group="g"))

    split = hold_out_tests({"north": own})

    assert split["north"].train == own[:1]
    assert split["north"].held_out == own[1:]

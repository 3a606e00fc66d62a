from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from medley_training.data.examples import Example
from medley_training.data.fingerprint import (
    content_digest,
    joined_groups,
    set_digest,
    words_digest,
)

keys = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=12)


def test_copies_differ_in_spacing_and_case_alone() -> None:
    digest = content_digest(Example.exchange("Potassium is 4.1 ?", "Yes"))

    assert content_digest(Example.exchange(" potassium\u00a0is\n4.1 ?", "YES")) == digest
    assert content_digest(Example.exchange("Potassium is 41 ?", "Yes")) != digest
    assert content_digest(Example.exchange("Potassium is 4.1 ?", "No")) != digest


def test_where_a_turn_ends_counts() -> None:
    assert content_digest(Example.exchange("a b", "c")) != content_digest(
        Example.exchange("a", "b c")
    )


def test_the_same_words_are_alike_whatever_stands_between() -> None:
    assert words_digest("No fever; no cough.") == words_digest("no fever, No cough")
    assert words_digest("no fever") != words_digest("no fevers")
    assert words_digest("?") != words_digest("!")


@given(keys=keys)
def test_items_that_share_a_key_are_in_one_group(keys: list[list[str]]) -> None:
    groups = joined_groups(keys)

    for (one, of_one), (other, of_other) in combinations(zip(keys, groups, strict=True), 2):
        if set(one) & set(other):
            assert of_one == of_other


@given(keys=keys)
def test_groups_are_joined_through_others_and_not_without_a_reason(keys: list[list[str]]) -> None:
    reached = [set(each) for each in keys]
    for _ in keys:
        reached = [set().union(*(two for two in reached if one & two)) for one in reached]

    assert joined_groups(keys) == [min(each) for each in reached]


@given(keys=keys, random=st.randoms(use_true_random=False))
def test_groups_have_the_same_names_in_any_order(keys: list[list[str]], random: object) -> None:
    order = list(range(len(keys)))
    random.shuffle(order)  # type: ignore[attr-defined]

    groups = joined_groups(keys)

    assert joined_groups([keys[place] for place in order]) == [groups[place] for place in order]


def test_a_set_has_one_digest_in_any_order() -> None:
    assert set_digest(["b", "a", "b"]) == set_digest(["a", "b"])
    assert set_digest(["a"]) != set_digest(["a", "b"])

"""Pools of small labelled examples, drawn by hypothesis or written out."""

from hypothesis import strategies as st
from medley_training.data.examples import Example
from medley_training.data.labelled import LabelledExample


def labelled(
    text: str,
    *,
    label: str = "a",
    group: str | None = None,
    site: str | None = None,
    is_test: bool = False,
) -> LabelledExample:
    return LabelledExample(
        example=Example.exchange(text, f"answer to {text}"),
        label=label,
        group=text if group is None else group,
        site=site,
        is_test=is_test,
    )


def pool_of(kinds: list[tuple[str, int]]) -> tuple[LabelledExample, ...]:
    """One example for each pair of a label and a group, all different."""
    return tuple(
        labelled(f"question {place}", label=label, group=f"group {group}")
        for place, (label, group) in enumerate(kinds)
    )


def even_pool(labels: int, per_label: int) -> tuple[LabelledExample, ...]:
    """As many examples of each label, each a group of its own."""
    return pool_of(
        [(f"label {n % labels}", n) for n in range(labels * per_label)],
    )


pools = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 30)), min_size=1, max_size=60
).map(pool_of)

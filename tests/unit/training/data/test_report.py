import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.data.config import DataConfig
from medley_training.data.labelled import LabelledExample, SiteData
from medley_training.data.report import (
    PartitionReport,
    partition_report,
    require_disjoint,
    total_variation,
)
from medley_training.data.report_table import report_text
from medley_training.errors import SitesOverlap

from tests.unit.training.data.pools import labelled

CONFIG = DataConfig(source="demo_notes", partition="by_label", alpha=0.3)
histograms = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50), min_size=1)


def _sites(**parts: tuple[list[LabelledExample], list[LabelledExample]]) -> dict[str, SiteData]:
    return {site: SiteData(tuple(train), tuple(held)) for site, (train, held) in parts.items()}


def _report() -> PartitionReport:
    sites = _sites(
        north=([labelled("1"), labelled("2"), labelled("3", label="b")], [labelled("4")]),
        south=([labelled("5", label="b"), labelled("6", label="b")], []),
    )
    return partition_report(sites, [labelled("7")], config=CONFIG, draws=3, copies=2)


def test_the_report_counts_labels_and_measures_the_skew() -> None:
    report = _report()

    north, south = report.sites["north"], report.sites["south"]
    assert (north.train, north.held_out, north.groups) == (3, 1, 4)
    assert report.labels == {"a": 3, "b": 3}
    assert north.labels == {"a": 3, "b": 1}
    assert north.distance == pytest.approx(0.25)
    assert south.distance == pytest.approx(0.5)
    assert report.mean_distance == pytest.approx((4 * 0.25 + 2 * 0.5) / 6)
    assert (report.root, report.draws, report.copies, report.shared_groups) == (1, 3, 2, 0)


def test_the_report_survives_json() -> None:
    report = _report().to_json()

    assert json.loads(json.dumps(report)) == report
    assert report["alpha"] == 0.3


def test_the_table_shows_every_label_and_how_the_split_was_made() -> None:
    assert report_text(_report(), width=120) == (
        "demo_notes, by label, Dirichlet(0.3); no chat is in two parts; draw 3 was the first with"
        " enough at each site; 2 copies\nleft out; 1 withheld for the coordinator\n"
        "                 north  south   all\n"
        "learns from          3      2     5\n"
        "holds out            1      ·     1\n"
        "distance to all   0.25   0.50  0.33\n"
        "a                    3      ·     3\n"
        "b                    1      2     3"
    )


def test_rare_labels_share_a_row() -> None:
    train = [labelled(f"{n}", label=f"label {min(n, 39):02}") for n in range(60)]

    report = partition_report(_sites(north=(train, [])), [], config=CONFIG)

    lines = report_text(report).splitlines()
    assert lines[-1].split() == ["17", "other", "labels", "17", "17"]
    assert sum(int(line.split()[-1]) for line in lines[5:]) == 60


@pytest.mark.parametrize(
    ("sites", "root", "message"),
    [
        (
            _sites(north=([labelled("1")], []), south=([labelled("1", group="other")], [])),
            [],
            "one chat is in what north learns from and in what south learns from: '1'",
        ),
        (
            _sites(north=([labelled("1")], [labelled("2", group="1")])),
            [],
            "chats of one group are in what north learns from and in what north holds out: '2'",
        ),
        (
            _sites(north=([labelled("1")], []), south=([], [labelled("2", group="1")])),
            [],
            "chats of one group are in what north learns from and in what south holds out",
        ),
        (
            _sites(north=([labelled("1")], [])),
            [labelled("2", group="1")],
            "chats of one group are in the coordinator's examples and in what north learns from",
        ),
    ],
)
@pytest.mark.parametrize("may_share_groups", [False, True])
def test_an_overlap_is_refused_with_both_places(
    sites: dict[str, SiteData], root: list[LabelledExample], message: str, may_share_groups: bool
) -> None:
    with pytest.raises(SitesOverlap, match=message):
        require_disjoint(sites, root, may_share_groups=may_share_groups)


def test_only_data_that_names_its_sites_may_have_a_group_at_two() -> None:
    sites = _sites(north=([labelled("1")], []), south=([labelled("2", group="1")], []))

    with pytest.raises(SitesOverlap, match="chats of one group"):
        require_disjoint(sites, [])
    by_site = DataConfig(source="demo_notes", partition="by_site")
    assert partition_report(sites, [], config=by_site).shared_groups == 1


def test_a_sites_digest_is_of_its_examples_and_not_of_their_order() -> None:
    one, two = labelled("1"), labelled("2")

    def digest(train: list[LabelledExample]) -> str:
        report = partition_report(_sites(north=(train, [])), [], config=CONFIG)
        return report.sites["north"].digest

    assert digest([one, two]) == digest([two, one]) != digest([one])


@given(one=histograms, other=histograms)
def test_the_distance_is_symmetric_and_within_bounds(
    one: dict[str, int], other: dict[str, int]
) -> None:
    distance = total_variation(one, other)

    assert distance == pytest.approx(total_variation(other, one))
    assert -1e-12 <= distance <= 1 + 1e-12
    assert (distance > 1 - 1e-9) == (not one.keys() & other.keys())


@given(one=histograms, factor=st.integers(1, 9))
def test_the_distance_does_not_depend_on_sizes(one: dict[str, int], factor: int) -> None:
    assert total_variation(one, {label: factor * n for label, n in one.items()}) == pytest.approx(0)
    assert total_variation(one, Counter()) == 0

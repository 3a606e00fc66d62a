from pathlib import Path

import pytest
from medley_training.data.config import DataConfig
from medley_training.data.histogram import label_histogram
from medley_training.data.labelled import SiteData
from medley_training.data.report import PartitionReport, partition_report

from tests.unit.training.data.pools import labelled


def _report(sites: int) -> PartitionReport:
    parts = {
        f"site-{n}": SiteData(
            tuple(labelled(f"{n} {m}", label=f"label_{m % (n + 1)}") for m in range(8)), ()
        )
        for n in range(sites)
    }
    config = DataConfig(source="demo_notes", partition="by_label")
    return partition_report(parts, [], config=config)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_report_gives_the_same_picture(tmp_path: Path, suffix: str) -> None:
    for name in ("one", "two"):
        label_histogram(_report(2), tmp_path / f"{name}{suffix}")

    picture = (tmp_path / f"one{suffix}").read_bytes()
    assert picture == (tmp_path / f"two{suffix}").read_bytes()
    assert picture.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")


def test_the_picture_names_every_site_and_label(tmp_path: Path) -> None:
    report = _report(7)

    label_histogram(report, tmp_path / "many.svg")

    # Text is drawn as paths; matplotlib keeps what they say as comments.
    picture = (tmp_path / "many.svg").read_text(encoding="utf-8")
    for name in (*report.sites, *report.labels):
        assert f"<!-- {name.replace('_', ' ')} -->" in picture

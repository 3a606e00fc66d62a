"""Energy counters, as Linux and NVIDIA's driver show them."""

from pathlib import Path

from medley_training.benchmarks.energy import EnergyMeter


def _zone(folder: Path, name: str, microjoules: int) -> Path:
    zone = folder / name
    zone.mkdir(exist_ok=True)
    (zone / "energy_uj").write_text(str(microjoules))
    (zone / "max_energy_range_uj").write_text("10000000")
    return zone


def test_the_packages_are_added_up_and_their_parts_are_not_counted_twice(tmp_path: Path) -> None:
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        _zone(tmp_path, name, 1_000_000)
    meter = EnergyMeter("cpu", rapl=tmp_path)
    before = meter.read()

    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        _zone(tmp_path, name, 3_000_000)

    assert meter.since(before) == 4.0


def test_a_counter_that_began_again_is_read_on(tmp_path: Path) -> None:
    _zone(tmp_path, "intel-rapl:0", 9_000_000)
    meter = EnergyMeter("cpu", rapl=tmp_path)
    before = meter.read()

    _zone(tmp_path, "intel-rapl:0", 1_000_000)

    assert meter.since(before) == 2.0


def test_where_nothing_counts_energy_is_unknown(tmp_path: Path) -> None:
    meter = EnergyMeter("cpu", rapl=tmp_path)

    assert meter.read() is None
    assert meter.since(None) is None

"""The memory of the process that runs the transformers lane."""

from pathlib import Path

import pytest
from medley_training.benchmarks import process_memory
from medley_training.benchmarks.memory import Memory
from medley_training.benchmarks.process_memory import ProcessMemory


def test_where_the_peak_cannot_be_reset_there_is_no_activation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_memory, "_SELF", tmp_path)
    (tmp_path / "clear_refs").mkdir()  # writing to it fails
    (tmp_path / "status").write_text("VmHWM:\t  900 kB\nVmRSS:\t  500 kB\n")

    told = Memory.of(ProcessMemory("cpu").told(weights=300 << 10, lora_slots=0, kv_cache=0))

    assert told.activation is None
    assert (told.other, told.total) == (600 << 10, 900 << 10)

"""`medley demo --once`, as a person or CI runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def test_the_demo_holds_all_its_checks_and_leaves_a_registry_that_serve_can_use(
    small_base: Path, tmp_path: Path
) -> None:
    (tmp_path / "bases").symlink_to(small_base.parent)

    ran = subprocess.run(
        [sys.executable, "-m", "medley.cli", "demo", "--once"],
        env=os.environ | {"MEDLEY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "FAIL" not in ran.stdout
    assert (tmp_path / "registry" / "registry.db").is_file()

"""Who may import whom, and what stays light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("fastapi", "peft", "torch", "transformers", "vllm")


def test_the_import_contracts_are_kept() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")

    checked = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "Contracts: " in checked.stdout
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("module", ["medley", "medley.cli", "medley_registry"])
def test_the_light_install_imports_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(sys.modules.keys() & {set(HEAVY)!r}))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == ""

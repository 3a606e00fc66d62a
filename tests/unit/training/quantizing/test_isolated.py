"""The llm-compressor job: what it is asked, in which environment, and how it fails."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from medley_training.errors import CannotQuantize
from medley_training.quantizing import isolated
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.isolated import JOB, LlmCompressor, script_for, uv_variables

from tests.unit.training.quantizing.conftest import Stock

WANTED = LlmCompressor(AwqSettings(samples=2, tokens=32))
FAKE = """
import json, shutil, sys
from pathlib import Path
request = json.loads(Path(sys.argv[4]).read_bytes())
shutil.copy(Path(request["origin"]) / "model.safetensors", request["folder"])
shutil.copy(Path(request["origin"]) / "config.json", request["folder"])
Path(sys.argv[4]).with_name("seen.json").write_text(json.dumps(request))
Path(request["folder"], "seen.json").write_text(json.dumps([sys.argv[1:4], request]))
Path(sys.argv[5]).write_text(json.dumps({"errors": {"a": 0.1, "b": 0.3}, "torch": "2.13"}))
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that runs a stand-in of the job."""
    fake = tmp_path / "uv.py"
    fake.write_text(FAKE)
    monkeypatch.setattr(isolated, "uv_command", lambda: [sys.executable, str(fake)])
    monkeypatch.setenv("MEDLEY_HOME", str(tmp_path / "home"))
    return fake


def test_the_job_is_asked_for_the_text_side_and_told_where(stock: Stock, uv: Path) -> None:
    folder = stock.home / "w4"
    folder.mkdir()
    seen: list[object] = []
    uv.write_text(FAKE.replace('request["folder"], "seen.json"', f'{str(stock.home)!r}, "seen"'))

    told = WANTED.write(stock.base, folder, progress=lambda done, total: seen.append(done))

    run, request = json.loads((stock.home / "seen").read_text())
    assert run == ["run", "--script", str(stock.home / "home" / "jobs" / JOB.name)]
    assert request["group_size"] == 128
    assert [len(block) for block in request["blocks"]] == [32, 32]
    assert "re:.*visual.*" in request["ignore"]
    error = {"mean": 0.2, "max": 0.3, "worst_module": "b", "modules": 2}
    assert told == {"weight_error": error, "torch": "2.13"}
    assert (folder / "tokenizer.json").read_bytes() == (
        stock.base.path / "tokenizer.json"
    ).read_bytes()
    assert seen == [1]


def test_a_job_that_fails_says_why_in_one_line(stock: Stock, uv: Path) -> None:
    uv.write_text("import sys\nsys.exit('no wheel\\nfor this machine')")

    with pytest.raises(CannotQuantize, match=r"no wheel \| for this machine") as refusal:
        WANTED.write(stock.base, stock.home, progress=lambda done, total: None)

    assert "\n" not in str(refusal.value)


def test_the_request_lies_where_only_its_owner_reads_and_goes_with_the_folder(
    stock: Stock, uv: Path
) -> None:
    folder = stock.home / "w4"
    folder.mkdir()
    noted = stock.home / "noted"
    uv.write_text(f"{FAKE}\nPath({str(noted)!r}).write_text(sys.argv[4])\n")

    WANTED.write(stock.base, folder, progress=lambda done, total: None)

    request = Path(noted.read_text())
    assert request.parent.parent == folder
    assert not request.parent.exists()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_however_a_run_ends_what_it_started_ends_too(tmp_path: Path, end: signal.Signals) -> None:
    noted = tmp_path / "pid"
    grandchild = f"import os, pathlib, time; p = pathlib.Path({str(noted)!r}); "
    grandchild += "p.with_suffix('.new').write_text(str(os.getpid())); "
    grandchild += "p.with_suffix('.new').rename(p); time.sleep(60)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    starter = "import sys; from medley_training.quantizing.isolated import run_tethered; "
    starter += f"run_tethered([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen([sys.executable, "-c", starter], stderr=subprocess.DEVNULL)
    while not noted.exists():
        assert process.poll() is None
        time.sleep(0.01)

    process.send_signal(end)

    process.wait(30)
    assert _ends(int(noted.read_text()))


def _ends(pid: int) -> bool:
    """Whether a process ends within half a minute; one that nobody has waited for is over."""
    for _ in range(3000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def test_only_a_machine_without_a_gpu_asks_for_the_small_torch() -> None:
    assert script_for(has_gpu=True) == JOB.read_text()
    assert '"torch==2.13.0+cpu"' in script_for(has_gpu=False)


def test_uv_looks_where_pip_would_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / "torch-2.13.0+cpu-cp311.whl").touch()
    told = {
        "PIP_FIND_LINKS": f"/a {tmp_path}",
        "PIP_INDEX_URL": "https://index",
        "UV_DEFAULT_INDEX": "https://own",
    }

    assert uv_variables(told) == {"UV_FIND_LINKS": f"/a,{tmp_path}"}


def test_pytorchs_own_page_is_asked_only_where_no_folder_has_the_cpu_build() -> None:
    assert uv_variables({})["UV_FIND_LINKS"].startswith("https://download.pytorch.org/")

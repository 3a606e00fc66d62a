"""torchvision's operators beside a build of torch that its library is not made for."""

import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec

import pytest
import torch
from medley_server.engine import vision_operators
from medley_server.engine.vision_operators import define_vision_operators

define = define_vision_operators.__wrapped__
"""Without the memory of what `import torch` has done already."""

on_cpu_build = pytest.mark.skipif(
    torch.version.cuda is not None or find_spec("torchvision") is None,
    reason="torchvision loads its own operators",
)


def test_torch_calls_it_when_it_is_imported() -> None:
    [ours] = entry_points(group="torch.backends", name="medley")

    assert ours.load() is define_vision_operators


@on_cpu_build
def test_torchvision_can_be_imported_and_says_so_where_it_has_no_kernel() -> None:
    import torchvision

    assert not torchvision.extension._has_ops()
    with pytest.raises(RuntimeError, match="Couldn't load custom C"):
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)


@on_cpu_build
@pytest.mark.slow
@pytest.mark.parametrize("library", ["torchvision", "peft", "transformers.models.qwen2_vl"])
def test_what_touches_torchvision_is_imported_without_vllm(library: str) -> None:
    code = f"import {library}, sys; assert 'vllm' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_nothing_is_defined_for_a_build_with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")

    assert define() is None


def test_nothing_is_defined_without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision_operators, "find_spec", lambda _: None)

    assert define() is None


def test_nothing_is_defined_where_the_operators_are_real(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(vision_operators, "find_spec", lambda _: find_spec("torch"))
    monkeypatch.setattr(torch.ops, "load_library", loaded.append)

    assert define() is None
    assert [str(path).rpartition("/")[2] for path in loaded] == ["_C.so"]

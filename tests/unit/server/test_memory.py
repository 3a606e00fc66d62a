"""Counting bytes: of tensors, of this process, and of a device that is not there."""

import mmap
import os
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from medley_server.engine.device_meter import DeviceMeter
from medley_server.engine.port import EngineMemory
from medley_server.engine.process_meter import ProcessMeter
from medley_server.engine.tensor_bytes import contents, storages

MIB = 1 << 20


def test_memory_that_several_tensors_look_into_counts_once() -> None:
    whole = torch.ones(1000)

    found = storages([whole, whole[:10], whole.view(10, 100), torch.ones(8), torch.empty(0)])

    assert sum(found.values()) == 4000 + 32


def test_what_an_engine_keeps_beside_a_weight_is_found() -> None:
    packed, statistics, code = (torch.ones(size) for size in (3, 5, 7))
    weight = torch.nn.Parameter(torch.ones(2))
    state: Any = type("QuantState", (), {"__module__": "bitsandbytes.functional"})()
    state.absmax, state.state2 = statistics, SimpleNamespace(ignored=torch.ones(11))
    weight.bnb_quant_state = {0: state}
    attributes = {
        "_parameters": {"weight": weight},
        "cpu_linear": lambda x: x @ packed,
        "kept": (code,),
        "config": SimpleNamespace(tensor=torch.ones(13)),
    }

    found = [one for one in contents(attributes) if isinstance(one, torch.Tensor)]

    assert {one.numel() for one in found} == {2, 3, 5, 7}


def test_the_peak_of_a_process_is_what_it_took_and_gave_back_since_the_reset() -> None:
    meter = ProcessMeter()
    meter.reset_peak()
    at_rest = meter.total()

    with mmap.mmap(-1, 64 * MIB) as taken:  # an allocator might have had some of it already
        for page in range(0, len(taken), mmap.PAGESIZE):
            taken[page] = 1
    activation, total = meter.activation(0), meter.total()
    meter.reset_peak()
    again = meter.activation(0)

    assert activation is not None
    assert again is not None
    assert 60 * MIB < activation < 90 * MIB
    assert 60 * MIB < total - at_rest < 90 * MIB
    assert again < 30 * MIB


def test_before_a_reset_the_activation_of_a_process_is_unknown() -> None:
    assert ProcessMeter().activation(0) is None


class FakeCuda:
    """What `DeviceMeter` asks of `torch.cuda`."""

    resets = 0

    def reset_peak_memory_stats(self) -> None:
        self.resets += 1

    def max_memory_allocated(self) -> int:
        return 1000

    def mem_get_info(self) -> tuple[int, int]:
        return 200, 5000

    def current_device(self) -> int:
        return 0

    def get_device_properties(self, _: int) -> SimpleNamespace:
        return SimpleNamespace(uuid="1-2-3")


class FakeNvml:
    """What `DeviceMeter` asks of `pynvml`: two processes are on the device."""

    class NVMLError(Exception):
        pass

    def __init__(self, pid: int, *, is_there: bool = True) -> None:
        self.processes = [
            SimpleNamespace(pid=1, usedGpuMemory=7),
            SimpleNamespace(pid=pid, usedGpuMemory=3000),
        ]
        self.is_there = is_there

    def nvmlInit(self) -> None:  # noqa: N802 NVML's name
        pass

    def nvmlShutdown(self) -> None:  # noqa: N802 NVML's name
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802 NVML's name
        if not self.is_there:
            raise self.NVMLError
        return uuid

    def nvmlDeviceGetComputeRunningProcesses(self, uuid: str) -> list[Any]:  # noqa: N802
        return self.processes if uuid == "GPU-1-2-3" else []


def test_a_devices_memory_is_what_the_driver_gave_this_process() -> None:
    cuda = FakeCuda()
    meter = DeviceMeter(cuda, FakeNvml(os.getpid()))

    assert meter.total() == 3000
    assert meter.activation(400) == 600
    meter.reset_peak()
    assert cuda.resets == 1


@pytest.mark.parametrize("nvml", [FakeNvml(2), FakeNvml(os.getpid(), is_there=False)])
def test_where_the_driver_does_not_say_what_is_not_free_counts(nvml: FakeNvml) -> None:
    assert DeviceMeter(FakeCuda(), nvml).total() == 4800


def test_the_parts_of_an_engines_memory_add_up() -> None:
    memory = EngineMemory.of_total(weights=5, kv_cache=4, lora_slots=3, activation=None, total=20)

    assert memory.other == 8

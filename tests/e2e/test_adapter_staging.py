"""How a worker loads an adapter in pieces, with a stand-in for what vLLM keeps adapters in."""

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = [
    pytest.mark.e2e,
    # Importing vLLM warns of torch's own deprecations.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

SLOTS = 3


class Slots:
    """As vLLM's `LRUCacheLoRAModelManager`: the first free slot is written, else the oldest."""

    def __init__(self) -> None:
        self.lora_slots = SLOTS
        self.lora_index_to_id: list[int | None] = [None] * SLOTS
        self.packing = SimpleNamespace(epochs=None, settle=lambda budget_s: budget_s > 1)
        self.punica_wrapper_mapping = {"language": self.packing, "gpu": object()}
        self.breaks = False

    def activate_adapter(self, number: int) -> bool:
        if number in self.lora_index_to_id:
            return False
        free = None in self.lora_index_to_id
        self.lora_index_to_id[self.lora_index_to_id.index(None) if free else 0] = number
        if self.breaks:
            raise RuntimeError("a shape does not fit")
        return True


class Loader:
    """As vLLM's `LRUCacheWorkerLoRAManager`."""

    def __init__(self) -> None:
        self._adapter_manager = Slots()
        self.reads: list[str] = []

    def _load_adapter(self, request: Any) -> Any:
        self.reads.append(request.lora_path)
        if request.lora_path == "/damaged":
            raise ValueError("no header")
        return SimpleNamespace(id=request.lora_int_id, path=request.lora_path)


def request(path: str, number: int) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(lora_name=path, lora_int_id=number, lora_path=path)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def staging(loader: Loader) -> Any:
    from medley_server.engine.adapter_staging import Staging

    return Staging(loader)


def test_what_was_read_ahead_is_not_read_again(loader: Loader, staging: Any) -> None:
    staging.read("/one")

    adapter = loader._load_adapter(request("/one", 7))

    assert (adapter.id, adapter.path, loader.reads) == (7, "/one", ["/one"])
    assert staging.is_read()


def test_what_was_not_read_ahead_is_read_when_it_is_asked_for(loader: Loader, staging: Any) -> None:
    staging.read("/one")

    assert loader._load_adapter(request("/two", 8)).path == "/two"
    assert loader._load_adapter(request("/one", 7)).id == 7


def test_what_could_not_be_read_fails_when_it_is_loaded(loader: Loader, staging: Any) -> None:
    staging.read("/damaged")

    with pytest.raises(ValueError, match="no header"):
        loader._load_adapter(request("/damaged", 7))


def test_each_write_into_a_slot_is_counted_once(loader: Loader, staging: Any) -> None:
    slots = loader._adapter_manager
    assert slots.packing.epochs == (0, 0, 0)

    for number in (1, 2, 2, 3, 4):
        slots.activate_adapter(number)

    assert slots.packing.epochs == (2, 1, 1)


def test_a_write_that_failed_halfway_is_counted_too(loader: Loader, staging: Any) -> None:
    slots = loader._adapter_manager
    slots.breaks = True

    with pytest.raises(RuntimeError):
        slots.activate_adapter(1)

    assert slots.packing.epochs == (1, 0, 0)


def test_there_is_more_to_settle_as_long_as_any_arithmetic_says_so(staging: Any) -> None:
    assert staging.settle(2.0)
    assert not staging.settle(0.5)


def test_a_worker_without_adapters_has_nothing_to_do() -> None:
    from medley_server.engine.worker_extension import WorkerExtension

    worker = WorkerExtension()
    worker.model_runner = SimpleNamespace()
    worker.medley_stage()
    worker.medley_read("/one")

    assert worker.medley_is_read()
    assert not worker.medley_settle(1.0)

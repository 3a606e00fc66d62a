"""What evidence says about where it was measured."""

from medley_registry.canonical import canonical_json
from medley_training.measuring.fingerprint import environment


def test_it_tells_of_hardware_software_and_engine() -> None:
    found = environment({"engine": "vllm 0.32.0", "kernel": "CPUWNA16", "memory_bytes": {"a": 1}})

    assert found["engine"] == {"engine": "vllm 0.32.0", "kernel": "CPUWNA16"}
    hardware, software = found["hardware"], found["software"]
    assert isinstance(hardware, dict)
    assert isinstance(software, dict)
    assert {"cpu", "cores", "memory_bytes", "gpus", "instructions"} <= hardware.keys()
    assert {"python", "medley", "torch"} <= software.keys()


def test_it_is_json_and_the_same_each_time() -> None:
    assert canonical_json(environment({})) == canonical_json(environment({}))


def test_changing_one_leaves_the_next_as_it_was() -> None:
    found = environment({})
    hardware = found["hardware"]
    assert isinstance(hardware, dict)

    hardware["cpu"] = "another"

    assert environment({})["hardware"] != hardware

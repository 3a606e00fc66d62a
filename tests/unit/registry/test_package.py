"""What the package promises to whoever imports it."""

import subprocess
import sys

import medley_registry
from medley_registry import RegistryError, errors

HEAVY = {"torch", "vllm", "transformers", "peft", "safetensors", "fastapi", "numpy", "sqlalchemy"}


def test_the_door_is_sorted_and_complete() -> None:
    names = medley_registry.__all__

    assert names == sorted(names, key=lambda name: (not name.isupper(), name.islower(), name))
    assert all(hasattr(medley_registry, name) for name in names)


def test_every_error_has_a_code_of_its_own() -> None:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, RegistryError)
    ]

    assert len({error.code for error in classes}) == len(classes)
    assert all(error.__name__ in (errors.__doc__ or "") for error in classes)


def test_importing_the_registry_imports_nothing_heavy() -> None:
    code = "import sys, medley_registry; print(*{m.split('.')[0] for m in sys.modules})"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY & set(done.stdout.split()) == set()

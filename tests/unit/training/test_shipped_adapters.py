"""The adapter files that are committed for the demo are the ones that their README describes."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from medley_training.demo_adapters import BASE_NAME, SHAPE, VERSIONS, DemoVersion
from medley_training.local.lora import read_adapter
from medley_training.recipe_file import load_recipe

DOCUMENTS = ("documents/v1",)
SHIPPED = Path(__file__).parents[3] / "server" / "medley_server" / "demo" / "adapters"


def test_the_readme_lists_the_digest_of_every_shipped_file() -> None:
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    listed = {path: digest for digest, path in re.findall(r"^([0-9a-f]{64})  (\S+)$", readme, re.M)}

    shipped = {
        path.relative_to(SHIPPED).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in SHIPPED.glob("*/*/*")
    }

    assert listed == shipped
    assert len(shipped) == 2 * (len(VERSIONS) + len(DOCUMENTS))


def test_the_adapter_for_documents_has_the_shape_of_its_recipe() -> None:
    recipe = load_recipe("documents")

    for version in DOCUMENTS:
        config, tensors = read_adapter(SHIPPED / version)

        assert config["base_model_name_or_path"] == recipe.base.name
        assert config["r"] == recipe.lora.rank
        assert set(config["target_modules"]) == set(recipe.lora.target_modules)
        assert {str(tensor.dtype) for tensor in tensors.values()} == {"torch.bfloat16"}


def test_the_prompts_in_the_readme_are_in_no_training_data() -> None:
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    prompts = set(re.findall(r"^(?:triage-note|plain-words)   (.+)$", readme, re.M))

    trained = {e.messages[0].content for version in VERSIONS for e in version.examples(7)}

    assert len(prompts) == 5
    assert not prompts & trained


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_shipped_version_has_the_shape_of_its_recipe(version: DemoVersion) -> None:
    config, tensors = read_adapter(version.folder(SHIPPED))

    assert config == SHAPE.config(base_name=BASE_NAME)
    assert len(tensors) == 30 * 2 * 2
    assert {tensor.shape[name.endswith("lora_B.weight")] for name, tensor in tensors.items()} == {8}
    assert all(tensor.isfinite().all() for tensor in tensors.values())

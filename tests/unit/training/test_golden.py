"""Golden prompts are measured as a server measures them: the same tokens, the same mean."""

import json
from pathlib import Path

import pytest
from medley_registry import open_registry
from medley_registry.golden import parse_golden
from medley_training.commands.train import app
from medley_training.data.examples import Example
from medley_training.errors import NothingToLearn
from medley_training.golden import write_golden
from medley_training.tiny_base import save_tiny_base
from typer.testing import CliRunner

from tests.bench.random_adapter import write_random_adapter

pytestmark = pytest.mark.slow

EXAMPLES = [Example.exchange(f"What is {n}?", f"It is {n}.") for n in range(3)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "base"
    folder.mkdir()
    save_tiny_base(folder)
    return folder


def test_the_mean_is_that_of_the_whole_models_own_loss(base: Path, tmp_path: Path) -> None:
    import torch
    from medley_training.local.base import load_base
    from peft import PeftModel
    from transformers import AutoTokenizer

    adapter = write_random_adapter(tmp_path / "adapter", base, seed=1, scale=0.5)
    golden = write_golden(adapter, base=base, examples=EXAMPLES, most=2)

    model = PeftModel.from_pretrained(load_base(base), adapter)
    tokenizer = AutoTokenizer.from_pretrained(base)
    assert len(golden.prompts) == 2
    for one in golden.prompts:
        before = tokenizer.encode(one.prompt, add_special_tokens=False)
        ids = torch.tensor([before + tokenizer.encode(one.answer, add_special_tokens=False)])
        labels = ids.clone()
        labels[:, : len(before)] = -100
        loss = model(input_ids=ids, labels=labels).loss
        assert one.tokens == ids.shape[1] - len(before)
        assert one.logprob == pytest.approx(-float(loss), abs=2e-3)


def test_the_file_lies_in_the_folder_and_can_be_published(base: Path, tmp_path: Path) -> None:
    adapter = write_random_adapter(tmp_path / "adapter", base, seed=1, scale=0.5)
    (tmp_path / "chats.jsonl").write_text("\n".join(one.to_json() for one in EXAMPLES))
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base("tiny-llama", base, actor="t")
    options = ["--base", "tiny-llama", "--examples", str(tmp_path / "chats.jsonl"), "--json"]
    options += ["--registry", str(tmp_path / "registry")]

    done = CliRunner().invoke(app, ["golden", str(adapter), *options])

    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"prompts": 3, "tolerance": 0.1}
    golden = parse_golden((adapter / "golden.json").read_bytes())
    assert [one.answer for one in golden.prompts] == ["It is 0.", "It is 1.", "It is 2."]
    with open_registry(tmp_path / "registry") as registry:
        version = registry.publish(adapter, name="note", base="tiny-llama", actor="t")
    assert version.manifest.digest_of("golden.json") is not None


def test_an_unknown_base_is_refused_in_one_line(base: Path, tmp_path: Path) -> None:
    adapter = write_random_adapter(tmp_path / "adapter", base, seed=1)
    (tmp_path / "chats.jsonl").write_text(EXAMPLES[0].to_json())
    open_registry(tmp_path / "registry", create=True).close()
    options = ["--base", "nowhere", "--examples", str(tmp_path / "chats.jsonl")]
    options += ["--registry", str(tmp_path / "registry")]

    refused = CliRunner().invoke(app, ["golden", str(adapter), *options])

    assert refused.exit_code == 1
    assert "nowhere" in refused.output


def test_answers_that_are_too_long_are_passed_over(base: Path, tmp_path: Path) -> None:
    adapter = write_random_adapter(tmp_path / "adapter", base, seed=1)

    with pytest.raises(NothingToLearn, match="1 to 1024 tokens"):
        write_golden(adapter, base=base, examples=[Example.exchange("Why?", "So. " * 500)])

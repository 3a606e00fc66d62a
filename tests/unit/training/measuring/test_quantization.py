"""What a server says of its weights decides as what it can be measured."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from medley_registry import BaseModel, Digest, VariantKind
from medley_training.errors import NotMeasured
from medley_training.measuring.quantization import check_quantization

BF16, NF4, AWQ = VariantKind.BF16, VariantKind.NF4, VariantKind.AWQ


def a_base(folder: Path) -> BaseModel:
    digest = Digest.of(b"tiny")
    return BaseModel(
        name="tiny",
        path=folder,
        architecture="LlamaForCausalLM",
        module_shapes={},
        weights_digest=digest,
        config_digest=digest,
        tokenizer_digest=digest,
        chat_template_digest=None,
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("quantization", "kind"),
    [(None, BF16), ("bitsandbytes", NF4), ("awq", AWQ), ("compressed-tensors", AWQ)],
)
def test_each_variant_has_its_quantization(
    quantization: str | None, kind: VariantKind, tmp_path: Path
) -> None:
    check_quantization({"quantization": quantization}, a_base(tmp_path), kind)


@pytest.mark.parametrize(
    ("quantization", "kind"),
    [("bitsandbytes", BF16), (None, NF4), ("awq", NF4), (None, AWQ), ("bitsandbytes", AWQ)],
)
def test_another_quantization_is_not_measured_under_its_name(
    quantization: str | None, kind: VariantKind, tmp_path: Path
) -> None:
    with pytest.raises(NotMeasured, match=f"that is not {kind}"):
        check_quantization({"quantization": quantization}, a_base(tmp_path), kind)


def test_a_base_that_was_published_quantized_is_served_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"quantization_config": {"quant_method": "gptq"}}')

    check_quantization({"quantization": "gptq"}, a_base(tmp_path), BF16)

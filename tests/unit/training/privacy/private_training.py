"""A tiny Llama with an adapter whose every tensor has a gradient, and a private plan for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_training.local.lora import LoraShape, wrap
from medley_training.local.trainer import TrainingPlan, TrainingResult
from medley_training.privacy.accountant import PrivacyLedger, Release
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.dp_sgd import train_privately
from medley_training.privacy.randomness import Randomness

from tests.unit.training.tiny_base import copying_examples, tiny_base

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

SHAPE = LoraShape(rank=2, alpha=4)
PLAN = TrainingPlan(epochs=3, learning_rate=0.01, seed=1, batch_tokens=40)
PRIVACY = PrivacyConfig(mechanism="dp_sgd", clip=0.5, noise_multiplier=1.0, batch_examples=12)
RELEASE = Release("run", 1, "nonce")


class Silent(Randomness):
    """Draws as the seed says, and adds no noise."""

    def normal(self, *shape: int) -> "Tensor":
        import torch

        return torch.zeros(shape, dtype=torch.float64)


def silent(seed: int) -> Randomness:
    from random import Random

    return Silent(Random(seed).randbytes)


def wrapped(*, dtype: str = "float32") -> "PeftModel":
    import torch

    model = wrap(tiny_base().to(getattr(torch, dtype)), SHAPE)
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.2
    return model


def trained(folder: Path, model: "PeftModel", *, count: int = 12, **changes: Any) -> TrainingResult:
    options: dict[str, Any] = {
        "plan": PLAN,
        "privacy": PRIVACY,
        "release": RELEASE,
        "ledger": PrivacyLedger(folder / "ledger.json"),
        "randomness": Randomness.seeded(1),
        **changes,
    }
    plan, privacy = options.pop("plan"), options.pop("privacy")
    return train_privately(model, copying_examples(count), plan, privacy, pad_token_id=0, **options)


def adapter(model: "PeftModel") -> "dict[str, Tensor]":
    return {n: p.detach().clone() for n, p in model.named_parameters() if "lora_" in n}

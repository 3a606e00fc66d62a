"""A site's whole change, clipped and noised once: nobody can tell from it what the site's data are.

With A frozen for everybody (FFA-LoRA, Sun et al., arXiv:2403.12313) a site changes B alone, and its
update changes by ``s dB A`` in each module. Where A's rows are orthonormal,

    ||s dB A||_F^2 = s^2 tr(dB A A^T dB^T) = s^2 ||dB||_F^2,

so clipping the factor is clipping the product, and noise on ``s dB`` is noise on the product within
the rows of A, which everybody knows; noise on both factors would multiply. All modules together are
one vector of norm at most `clip`, and each of its coordinates gets Gaussian noise of standard
deviation ``noise_multiplier * clip``. (Clipping products: FedPower, arXiv:2605.08443.)

What that is worth depends on who looks:

- Whoever sees the site's own contribution, the coordinator for one. Any two data sets move the
  clipped vector by at most ``2 clip``, so this is the Gaussian mechanism with half the noise
  multiplier, and the guarantee is local: it needs nobody's trust. Neighbours are *any* two data
  sets of the site. This is what a site's ledger counts.
- Whoever sees only the aggregate, if the coordinator can be trusted to show no more. Every site's
  noise is in it, and one site's change weighs only its share: with weights w the noise counts
  ``sqrt(sum(w^2)) / max(w)`` times as much, sqrt(K) times for K equal sites.
  Neighbours are the site with its change and with none.

The guarantee does not rest on A being orthonormal, only the meaning of `clip` does.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from medley_training.errors import RecipeError
from medley_training.local.lora import LoraShape, factor_of
from medley_training.privacy.accountant import Release, Spending
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.randomness import Randomness

if TYPE_CHECKING:
    from torch import Tensor

_ORTHONORMAL = 1e-4


def privatise_product(
    trained: "Mapping[str, Tensor]",
    start: "Mapping[str, Tensor]",
    shape: LoraShape,
    *,
    clip: float,
    noise_multiplier: float,
    randomness: Randomness | None = None,
) -> "dict[str, Tensor]":
    """What a site may send instead of what it trained.

    Args:
        trained: B of every module, by its name on disk.
        start: The adapter that it was trained from, by the same names; A's rows are orthonormal.
        shape: What gives the scale.
        clip: The largest norm of the change, Frobenius', of all modules together.
        noise_multiplier: The noise's standard deviation over `clip`, per coordinate.
        randomness: Another source of it, for tests; the result is then not private.

    Raises:
        RecipeError: A was trained too, or its rows are not orthonormal.
    """
    import torch

    _require_frozen_orthonormal(trained, start)
    randomness = randomness or Randomness()
    scales = {name: shape.scale_at(tensor.shape[1]) for name, tensor in trained.items()}
    changes = {
        name: scales[name] * (tensor.double() - start[name].double())
        for name, tensor in sorted(trained.items())
    }
    norm = math.sqrt(sum(float(change.square().sum()) for change in changes.values()))
    factor = min(1.0, clip / norm) if norm > 0 else 1.0
    return {
        name: (
            start[name].double()
            + (
                factor * change
                + noise_multiplier * clip * randomness.normal(*change.shape).to(change.device)
            )
            / scales[name]
        ).to(torch.float32)
        for name, change in changes.items()
    }


def product_spending(release: Release, privacy: PrivacyConfig) -> Spending:
    """What sending one contribution spends of the local guarantee."""
    return Spending(
        release=release, sample_rate=1.0, noise_multiplier=privacy.noise_multiplier / 2, steps=1
    )


def _require_frozen_orthonormal(
    trained: "Mapping[str, Tensor]", start: "Mapping[str, Tensor]"
) -> None:
    import torch

    if not trained or any(factor_of(name) != "B" for name in trained):
        raise RecipeError("clipping the product needs a strategy that trains B alone: ffa")
    for name in trained:
        a = start[name.replace(".lora_B.", ".lora_A.")].double()
        gap = float((a @ a.T - torch.eye(len(a), dtype=a.dtype, device=a.device)).abs().max())
        if not gap <= _ORTHONORMAL:
            raise RecipeError(
                f"clipping the product needs orthonormal rows of A ({name}: {gap:.2g})"
            )

"""AWQ's searches on a weight whose important inputs are known."""

import pytest
from medley_training.quantizing.awq_search import best_clip, best_scales, quantized

GROUP = 32


@pytest.fixture
def weight():  # type: ignore[no-untyped-def]
    import torch

    generator = torch.Generator().manual_seed(3)
    return torch.randn(48, 64, generator=generator)


def test_rounding_keeps_a_group_within_half_a_step(weight) -> None:  # type: ignore[no-untyped-def]
    rounded, scales, zeros = quantized(weight, GROUP)

    steps = scales.repeat_interleave(GROUP, dim=1)
    assert ((rounded - weight).abs() <= 0.51 * steps).all()
    assert scales.shape == zeros.shape == (48, 2)


def test_scales_protect_the_inputs_that_matter_and_leave_the_weights_alone(weight) -> None:  # type: ignore[no-untyped-def]
    import torch

    linear = torch.nn.Linear(64, 48, bias=False)
    linear.weight.data = weight.clone()
    inputs = torch.rand(200, 64)
    inputs[:, 5] *= 50
    with torch.no_grad():
        wanted = linear(inputs)

        def loss() -> float:
            return float((linear(inputs) - wanted).pow(2).mean())

        means = weight.abs().mean(dim=0)
        scales = best_scales([linear], means, inputs.abs().mean(dim=0), group_size=GROUP, loss=loss)
        linear.weight.data = quantized(weight, GROUP)[0]
        plain = loss()
        linear.weight.data = quantized(weight * scales, GROUP)[0] / scales
        scaled = loss()

    assert scaled < plain / 2
    assert int(scales.argmax()) == 5


def test_the_search_for_scales_puts_the_weights_back(weight) -> None:  # type: ignore[no-untyped-def]
    import torch

    linear = torch.nn.Linear(64, 48, bias=False)
    linear.weight.data = weight.clone()

    best_scales([linear], torch.ones(64), torch.ones(64), group_size=GROUP, loss=lambda: 1.0)

    assert linear.weight.data.equal(weight)


def test_a_clipping_never_makes_the_outputs_worse(weight) -> None:  # type: ignore[no-untyped-def]
    import torch

    inputs = torch.randn(100, 64)

    limit = best_clip(weight, inputs, GROUP)

    clipped = weight.view(48, 2, GROUP).clamp(-limit, limit).view_as(weight)
    before = (inputs @ (quantized(weight, GROUP)[0] - weight).T).pow(2).mean()
    after = (inputs @ (quantized(clipped, GROUP)[0] - weight).T).pow(2).mean()
    assert after < before

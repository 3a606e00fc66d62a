"""FedProx's term: it keeps a site's training near where the round started."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.nn import Parameter


class ProximalTerm:
    """Adds ``mu / 2 * ||x - x_start||^2`` to what is minimised.

    Li et al., "Federated Optimization in Heterogeneous Networks", arXiv:1812.06127, eq. 2. `x` are
    the given parameters, `x_start` their values when the term is made. The gradient ``mu * (x -
    x_start)`` is added by itself, once per optimizer step, so it does not depend on how a step is
    cut into batches; the loss that a training reports is without the term.
    """

    def __init__(self, parameters: "Sequence[Parameter]", mu: float) -> None:
        self._parameters = parameters
        self._start = [parameter.detach().clone() for parameter in parameters]
        self._mu = mu

    def add_gradient(self) -> None:
        """Add the term's gradient to those that the parameters have."""
        for parameter, start in zip(self._parameters, self._start, strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - start, alpha=self._mu)

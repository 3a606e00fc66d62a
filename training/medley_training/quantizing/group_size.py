"""How many neighbouring weights share one scale in 4-bit integer formats."""

from collections.abc import Mapping

from medley_training.errors import CannotQuantize

SIZES = (128, 64, 32)
_CPU_MULTIPLE = 32
"""vLLM's CPU kernel wants both sides of a weight to be multiples of it."""


def group_size_for(shapes: Mapping[str, tuple[int, ...]], *, wanted: int | None = None) -> int:
    """The wanted size, or the largest of `SIZES` that divides every module's inputs.

    Args:
        shapes: The [out, in] shape of each module to be quantized.
        wanted: What the user asked for.

    Raises:
        CannotQuantize: no size fits; the message names the module in the way.
    """
    for module, (out, into) in shapes.items():
        if out % _CPU_MULTIPLE or into % _CPU_MULTIPLE:
            raise CannotQuantize(
                f"{module} is {out} x {into}: 4-bit kernels want multiples of {_CPU_MULTIPLE}; "
                "use --method nf4"
            )
    fitting = [size for size in SIZES if all(into % size == 0 for _, into in shapes.values())]
    if wanted is None:
        return fitting[0]
    if wanted not in fitting:
        fits = " or ".join(map(str, fitting))
        raise CannotQuantize(f"groups of {wanted} do not divide every module's inputs: use {fits}")
    return wanted

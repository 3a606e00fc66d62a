"""A scope in which torch gives the same numbers each time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reproducible(seed: int, *, threads: int) -> Iterator[None]:
    """Seed torch and allow only deterministic kernels; give back the caller's settings on leaving.

    Sums are split by thread, so the number of threads is part of what makes two runs alike. The
    same seed and number of threads give the same bytes on the same kind of processor and torch.
    """
    import torch

    # cuBLAS reads it when it is first used; without it torch refuses to multiply on a GPU here.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads_before = torch.get_num_threads()
    strict_before = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(mode=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(mode=strict_before)
            torch.set_num_threads(threads_before)

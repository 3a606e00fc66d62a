"""Words that several records print."""

from typing import Literal

Form = Literal["bf16", "nf4", "awq", "merged", "merged-awq", "gguf"]
Measurement = Literal["evaluation", "benchmark"]

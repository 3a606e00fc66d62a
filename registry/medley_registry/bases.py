"""Base models, identified by what they compute with rather than by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A registered base model.

    ``module_shapes`` holds the [out, in] shape of every linear module's weight by module name:
    what an adapter for this base may touch, and with which shapes. ``path`` says where the files
    lie on this machine and is no part of the identity. A quantized base is a base of its own:
    ``derived_from`` is the identity of the one it was made from, ``recipe`` how.
    """

    name: str
    path: Path
    architecture: str
    module_shapes: Mapping[str, tuple[int, ...]]
    weights_digest: Digest
    config_digest: Digest
    tokenizer_digest: Digest
    chat_template_digest: Digest | None
    created_at: datetime
    derived_from: Digest | None = None
    recipe: dict[str, Json] | None = None

    @property
    def base_id(self) -> Digest:
        """Equal for two bases exactly if weights, config, tokenizer and chat template are."""
        template = self.chat_template_digest
        return Digest.of(
            canonical_json(
                {
                    "weights": self.weights_digest.hex,
                    "config": self.config_digest.hex,
                    "tokenizer": self.tokenizer_digest.hex,
                    "chat_template": template.hex if template else None,
                }
            )
        )

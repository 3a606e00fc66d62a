"""The plugins of vLLM that a server cannot do without."""

import os
from importlib.metadata import entry_points

from medley_registry import VariantKind

from medley_server.engine.platform import platform_plugin
from medley_server.errors import CannotStart

NF4_PLUGIN = "bitsandbytes"
"""By this name vLLM knows vllm-bnb-plugin, without which it cannot read NF4."""


def check_plugins(variant: VariantKind) -> None:
    """Refuses to start where vLLM would leave out a plugin it needs for this variant.

    Raises:
        CannotStart: it is not installed, or `VLLM_PLUGINS`, an allow-list, leaves it out.
    """
    needed = ["medley"] if platform_plugin() else []
    if variant is VariantKind.NF4:
        needed.append(NF4_PLUGIN)
        if not entry_points(group="vllm.general_plugins", name=NF4_PLUGIN):
            raise CannotStart("serving nf4 needs vllm-bnb-plugin; run: make setup")
    if (allowed := os.environ.get("VLLM_PLUGINS")) is None:
        return
    if missing := [name for name in needed if name not in allowed.split(",")]:
        raise CannotStart(
            f"VLLM_PLUGINS must name {' and '.join(missing)} too: without, vLLM answers wrongly or "
            "not at all; name it there, or unset the variable"
        )

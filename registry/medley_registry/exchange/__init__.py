"""Versions across registries: exported to a folder, imported from one or from the hub."""

from medley_registry.exchange.exporting import export_version
from medley_registry.exchange.importing import import_version

__all__ = ["export_version", "import_version"]

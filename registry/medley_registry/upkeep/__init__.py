"""Upkeep: finding damage, collecting garbage, backups, seals. All of it runs beside other work."""

from medley_registry.findings import Code, Finding
from medley_registry.upkeep.backup import back_up, restore
from medley_registry.upkeep.collection import GRACE, RETENTION, Collected, collect
from medley_registry.upkeep.copying import Copied
from medley_registry.upkeep.fsck import Checked, check, fsck
from medley_registry.upkeep.seals import Seal, read_seal, seal

__all__ = [
    "GRACE",
    "RETENTION",
    "Checked",
    "Code",
    "Collected",
    "Copied",
    "Finding",
    "Seal",
    "back_up",
    "check",
    "collect",
    "fsck",
    "read_seal",
    "restore",
    "seal",
]

"""What keeps bytes from collection for a while. Passing by nature, so no event tells of them."""

from dataclasses import dataclass
from datetime import datetime

from medley_registry.digest import Digest


@dataclass(frozen=True, slots=True)
class Lease:
    """A replica uses the version with this digest; its bytes stay until the lease has run out."""

    holder: str
    digest: Digest
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A blob that a publisher is about to name; registered before the first byte is stored."""

    id: str
    digest: Digest
    expires_at: datetime

"""Every error the registry raises.

::

    RegistryError
    ├── InvalidReference           the text is not a reference, or not a legal name
    │   └── AmbiguousDigest        a digest prefix that fits several versions
    ├── NotFound                   carries the nearest names that do exist
    │   ├── BaseNotFound
    │   ├── AdapterNotFound
    │   ├── VersionNotFound
    │   │   └── VersionDeleted     there was one; its tombstone says why it went
    │   ├── AliasNotFound
    │   └── KeyNotFound
    ├── Refused                    well-formed, but against a rule
    │   ├── AdmissionRefused       files that may not enter; names the rule and the value
    │   ├── NameTaken              the name stands for something else
    │   ├── BaseMismatch           the adapter belongs to another base model
    │   ├── NothingToRollBack      the alias has no earlier target that may be served
    │   ├── NotServable            the version's state forbids it
    │   ├── IllegalTransition      no way leads from the version's state to that one
    │   ├── Withdrawn              this content was revoked or deleted here
    │   ├── AliasInUse             an alias points there and has nowhere else to go
    │   ├── AliasProtected         the alias demands more; ``unmet`` says what
    │   ├── SignatureRefused       no signature that counts
    │   └── AccessDenied           no such key, or not for this
    ├── Conflict                   somebody else was first; read again and decide
    │   ├── StaleGeneration
    │   ├── StaleRevision          of a rule of traffic
    │   └── Busy                   the index stayed locked longer than a writer waits
    ├── Damaged                    stored bytes are not what was published
    │   ├── BlobMissing
    │   ├── DigestMismatch
    │   └── IndexDamaged
    ├── Unavailable                the disk or the index cannot be read or written now
    ├── NotARegistry               nothing there, or something else
    │   └── NeedsMigration         an earlier version's registry
    └── UnsupportedLocation        an address this version cannot open

``code`` is stable: programs compare it, messages are for people.
"""

from typing import ClassVar

from medley_registry.inert import inert


class RegistryError(Exception):
    """Base of all; its text is one line that can be shown to a person as it is."""

    code: ClassVar[str] = "registry_error"


class InvalidReference(RegistryError):
    code: ClassVar[str] = "invalid_reference"


class AmbiguousDigest(InvalidReference):
    code: ClassVar[str] = "ambiguous_digest"


class NotFound(RegistryError):
    """What was named does not exist; ``nearest`` holds the most similar names that do."""

    code: ClassVar[str] = "not_found"

    def __init__(self, message: str, *, nearest: tuple[str, ...] = ()) -> None:
        self.nearest = nearest
        super().__init__(f"{message}; nearest: {', '.join(nearest)}" if nearest else message)


class BaseNotFound(NotFound):
    code: ClassVar[str] = "base_not_found"


class AdapterNotFound(NotFound):
    code: ClassVar[str] = "adapter_not_found"


class VersionNotFound(NotFound):
    code: ClassVar[str] = "version_not_found"


class VersionDeleted(VersionNotFound):
    code: ClassVar[str] = "version_deleted"


class AliasNotFound(NotFound):
    code: ClassVar[str] = "alias_not_found"


class KeyNotFound(NotFound):
    code: ClassVar[str] = "key_not_found"


class Refused(RegistryError):
    code: ClassVar[str] = "refused"


class AdmissionRefused(Refused):
    """Files that may not enter the registry.

    ``rule`` is a stable name from `medley_registry.admission` and its neighbours; ``value`` is
    what broke it, shortened to stay on one line.
    """

    code: ClassVar[str] = "admission_refused"

    def __init__(self, rule: str, value: object, *, because: str) -> None:
        self.rule = rule
        self.value = _one_line(value)
        super().__init__(f"refused by rule {rule}: {because} (found {self.value})")


class NameTaken(Refused):
    code: ClassVar[str] = "name_taken"


class BaseMismatch(Refused):
    code: ClassVar[str] = "base_mismatch"


class NothingToRollBack(Refused):
    code: ClassVar[str] = "nothing_to_roll_back"


class NotServable(Refused):
    code: ClassVar[str] = "not_servable"


class IllegalTransition(Refused):
    code: ClassVar[str] = "illegal_transition"


class Withdrawn(Refused):
    code: ClassVar[str] = "withdrawn"


class AliasInUse(Refused):
    code: ClassVar[str] = "alias_in_use"


class AliasProtected(Refused):
    """The alias has a policy that the version does not satisfy; ``unmet`` names each point."""

    code: ClassVar[str] = "alias_protected"

    def __init__(self, alias: str, unmet: tuple[str, ...]) -> None:
        self.unmet = unmet
        super().__init__(f"'{alias}' is protected; missing: {'; '.join(unmet)}")


class SignatureRefused(Refused):
    code: ClassVar[str] = "signature_refused"


class AccessDenied(Refused):
    code: ClassVar[str] = "access_denied"


class Conflict(RegistryError):
    code: ClassVar[str] = "conflict"


class StaleGeneration(Conflict):
    """Somebody else has moved the alias; it has this ``generation`` now, 0 if it does not exist."""

    code: ClassVar[str] = "stale_generation"

    def __init__(self, generation: int, *, expected: int) -> None:
        self.generation = generation
        super().__init__(f"the alias has generation {generation}, not the expected {expected}")


class StaleRevision(Conflict):
    """Somebody else has set the alias's rule of traffic; it has this ``revision`` now."""

    code: ClassVar[str] = "stale_revision"

    def __init__(self, revision: int, *, expected: int) -> None:
        self.revision = revision
        super().__init__(f"the rule has revision {revision}, not the expected {expected}")


class Busy(Conflict):
    code: ClassVar[str] = "busy"


class Damaged(RegistryError):
    code: ClassVar[str] = "damaged"


class BlobMissing(Damaged):
    code: ClassVar[str] = "blob_missing"


class DigestMismatch(Damaged):
    code: ClassVar[str] = "digest_mismatch"


class IndexDamaged(Damaged):
    code: ClassVar[str] = "index_damaged"


class Unavailable(RegistryError):
    code: ClassVar[str] = "unavailable"


class NotARegistry(RegistryError):
    code: ClassVar[str] = "not_a_registry"


class NeedsMigration(NotARegistry):
    code: ClassVar[str] = "needs_migration"


class UnsupportedLocation(RegistryError):
    code: ClassVar[str] = "unsupported_location"


def _one_line(value: object, limit: int = 120) -> str:
    text = value if isinstance(value, str) else repr(value)
    return inert(text if len(text) <= limit else f"{text[: limit - 1]}…")

"""What a registry asks of a package that comes in: whose word counts, and which base it fits."""

from medley_registry import timestamps
from medley_registry.bases import BaseModel
from medley_registry.errors import AdmissionRefused, BaseMismatch, BaseNotFound, SignatureRefused
from medley_registry.exchange.package import Package
from medley_registry.exchange.record import BaseIdentity, VersionRecord
from medley_registry.registry import Registry
from medley_registry.signing import key_id_of


def trusted_keys(registry: Registry) -> set[str]:
    """The ids of the keys that count here now.

    When a signature from outside was made, nobody here can tell, so a key that has expired since
    does not count.
    """
    at = timestamps.now()
    return {key.key_id for key in registry.trust.keys() if key.flaw(at) is None}  # noqa: SIM118 no dict


def check_trusted(
    registry: Registry, package: Package, trusted: set[str], *, also: str | None
) -> set[str]:
    """Whether somebody who counts signed the version; gives the ids of all who count.

    Args:
        registry: Where the package comes in; one that trusts no keys asks for no signature.
        package: Its signatures are checked already.
        trusted: The ids of the keys trusted there now.
        also: Another public key (PEM) that counts this time, and whose being given asks for a
            signature.

    Raises:
        SignatureRefused: nobody did; the text says why for each.
    """
    counting = trusted | ({key_id_of(also)} if also is not None else set())
    is_asked_for = also is not None or registry.trust.is_on()
    if not is_asked_for or package.signers & counting:
        return counting
    flaws = {
        key.key_id: f"{key.name} {key.flaw(timestamps.now())}"
        for key in registry.trust.keys()  # noqa: SIM118 no dict
    }
    because = [
        flaws.get(signer, f"the key {signer[:12]} is not trusted here")
        for signer in sorted(package.signers)
    ]
    raise SignatureRefused(
        f"{package.record.version.reference} has no signature that counts: "
        + ("; ".join(because) or "it is not signed")
    )


def base_here(registry: Registry, record: VersionRecord, *, name: str | None) -> BaseModel:
    """The base model that a version is for, found by content.

    Raises:
        BaseMismatch: the one named here is another.
        BaseNotFound: it is not here under any name.
        AdmissionRefused: by rule ``package-record``, where the record misstates what the base is.
    """
    wanted = record.base
    if name is not None:
        base = registry.base(name)
        if base.base_id != wanted.base_id:
            raise BaseMismatch(
                f"{record.version.reference} is for base model {wanted.name!r}, "
                f"{wanted.base_id}, and {name!r} is {base.base_id}"
            )
    else:
        same = [base for base in registry.bases() if base.base_id == wanted.base_id]
        if not same:
            raise BaseNotFound(
                f"{record.version.reference} is for base model {wanted.name!r}, "
                f"{wanted.base_id}, which is not here; add it with: medley base add"
            )
        base = same[0]
    if _parts(BaseIdentity.of(base)) != _parts(wanted):
        raise AdmissionRefused(
            "package-record", wanted.name, because="the base model's parts have other digests"
        )
    return base


def _parts(base: BaseIdentity) -> tuple[object, ...]:
    return (
        base.weights_digest,
        base.config_digest,
        base.tokenizer_digest,
        base.chat_template_digest,
    )

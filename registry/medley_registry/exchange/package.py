"""An exported version, checked file by file before anything of it is used."""

import re
from dataclasses import dataclass

from medley_registry.admission import MEDIA_TYPES
from medley_registry.errors import AdmissionRefused, NotServable, SignatureRefused
from medley_registry.exchange.foreign_folder import ForeignFolder
from medley_registry.exchange.layout import (
    BOM_FILE,
    CARD_FILE,
    KEYS,
    PACKAGE_SIGNATURE_FILE,
    RECORD_FILE,
    SIGNATURE_FILE,
    described,
    key_place,
    place_of,
)
from medley_registry.exchange.record import VersionRecord
from medley_registry.exchange.record_reader import LIMIT_BYTES, read_record
from medley_registry.signing import check_signature, key_id_of

_KEY_PLACE = re.compile(rf"{KEYS}/[0-9a-f]{{64}}\.pem")
_DESCRIPTION_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Package:
    """What a package says, and which keys (ids) say so: of the files, and of the record."""

    record: VersionRecord
    signers: frozenset[str]
    exporter: str | None


def read_package(folder: ForeignFolder) -> Package:
    """Read a package and check all that can be checked without knowing whom to trust.

    The version's files are not read here: whoever copies them compares their digests.

    Raises:
        AdmissionRefused: by the rules ``package-*``: a file too many or too few, a record that does
            not hold together, a file that is not what the record says.
        SignatureRefused: a signature is not over these files, or not by the key it comes with.
        NotServable: the version was not to be used where it came from.
    """
    names = folder.files()
    if RECORD_FILE not in names:
        raise AdmissionRefused("package-missing", RECORD_FILE, because="a package has this file")
    record = read_record(folder.read(RECORD_FILE, limit_bytes=LIMIT_BYTES))
    version = record.version
    if not version.state.is_servable:
        raise NotServable(f"{version.reference} was {version.state} when it left its registry")
    for entry in version.manifest.files:
        if MEDIA_TYPES.get(entry.path) != entry.media_type:
            found = f"{entry.path}: {entry.media_type}"
            raise AdmissionRefused("package-record", found, because="no adapter has such a file")
    expected = _expected_files(record)
    for name, content in expected.items():
        if name in names and folder.read(name, limit_bytes=LIMIT_BYTES) != content:
            raise AdmissionRefused("package-file", name, because="the record says otherwise")
    exporter = _exporter(folder, names) if PACKAGE_SIGNATURE_FILE in names else None
    _check_names(names, expected.keys() | _other_files(record, exporter))
    for signature in record.signatures:
        check_signature(signature.bundle, version.manifest, public_key=signature.public_key)
    signers = frozenset(signature.key_id for signature in record.signatures)
    return Package(record, signers, exporter)


def _expected_files(record: VersionRecord) -> dict[str, bytes]:
    """The files whose content follows from the record."""
    files = {key_place(s.public_key): s.public_key.encode() for s in record.signatures}
    if record.signatures:
        files[SIGNATURE_FILE] = record.signatures[0].bundle.encode()
    return files


def _other_files(record: VersionRecord, exporter: str | None) -> set[str]:
    files = {place_of(entry.path) for entry in record.version.manifest.files}
    files |= {CARD_FILE, RECORD_FILE, BOM_FILE}
    return files | {PACKAGE_SIGNATURE_FILE, f"{KEYS}/{exporter}.pem"} if exporter else files


def _check_names(names: set[str], expected: set[str]) -> None:
    if missing := expected - names:
        raise AdmissionRefused("package-missing", min(missing), because="a package has this file")
    if extra := names - expected:
        raise AdmissionRefused("package-extra", min(extra), because="the record knows no such file")


def _exporter(folder: ForeignFolder, names: set[str]) -> str:
    """The id of the key that signed what goes with the version's files."""
    bundle = folder.read(PACKAGE_SIGNATURE_FILE, limit_bytes=LIMIT_BYTES).decode("utf-8", "replace")
    files = {
        name: folder.read(name, limit_bytes=_DESCRIPTION_LIMIT_BYTES)
        for name in (CARD_FILE, RECORD_FILE, BOM_FILE)
    }
    refusals = ["no key for it"]
    for name in sorted(names):
        if _KEY_PLACE.fullmatch(name):
            public_key = folder.read(name, limit_bytes=LIMIT_BYTES).decode("utf-8", "replace")
            try:
                check_signature(bundle, described(files), public_key=public_key)
            except SignatureRefused as error:
                refusals.append(str(error))
            else:
                return key_id_of(public_key)
    raise SignatureRefused(f"{PACKAGE_SIGNATURE_FILE} does not count: {refusals[-1]}")

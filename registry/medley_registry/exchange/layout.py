"""Where things lie in an exported version.

The folder is a PEFT repository of the Hugging Face hub, and what a registry knows lies in one
folder of it::

    adapter_config.json          the version's files, byte for byte
    adapter_model.safetensors
    README.md                    the model card, written from the record
    medley/version.json          the record (`medley_registry.exchange.record`)
    medley/bom.cdx.json          the bill of materials
    medley/README.md             the version's own README, if it has one
    medley/model.sig             the first signature on the version's files, if there is one
    medley/package.sig           the exporter's signature on card, record and bill, if there is one
    medley/keys/<key id>.pem     the public keys of all signatures
"""

from medley_registry.digest import Digest
from medley_registry.manifest import FileEntry, Manifest
from medley_registry.signing import key_id_of

CARD_FILE = "README.md"
FOLDER = "medley"
KEYS = f"{FOLDER}/keys"
RECORD_FILE = f"{FOLDER}/version.json"
BOM_FILE = f"{FOLDER}/bom.cdx.json"
OWN_README = f"{FOLDER}/README.md"
SIGNATURE_FILE = f"{FOLDER}/model.sig"
PACKAGE_SIGNATURE_FILE = f"{FOLDER}/package.sig"
_MEDIA_TYPES = {
    CARD_FILE: "text/markdown",
    RECORD_FILE: "application/json",
    BOM_FILE: "application/vnd.cyclonedx+json",
}


def place_of(path: str) -> str:
    """Where a file of the version's manifest lies."""
    return OWN_README if path == CARD_FILE else path


def key_place(public_key: str) -> str:
    """Where a public key (PEM) lies."""
    return f"{KEYS}/{key_id_of(public_key)}.pem"


def described(files: dict[str, bytes]) -> Manifest:
    """What the exporter signs, by their names without the folder: card, record and bill."""
    return Manifest(
        tuple(
            FileEntry(
                place.rpartition("/")[2], len(files[place]), Digest.of(files[place]), media_type
            )
            for place, media_type in _MEDIA_TYPES.items()
        )
    )

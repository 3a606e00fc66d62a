"""The app bundle without which Flower starts no run.

It holds no code: each side runs the Medley that is installed there.
"""

import hashlib
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_THE_SAME_DAY = (2024, 10, 1, 0, 0, 0)

_DESCRIPTION = b"""\
[project]
name = "medley"
version = "1.0.0"
description = "Federated rounds; the code is what each side has installed"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "medley"

[tool.flwr.app.components]
serverapp = "medley_training.flower.app:server_app"
clientapp = "medley_training.flower.app:client_app"
"""


def app_bundle() -> bytes:
    """The bundle, the same bytes every time.

    Flower's own builder is not used: it warns of the pathspec that the rest of Medley needs.
    """
    listing = f"pyproject.toml,{hashlib.sha256(_DESCRIPTION).hexdigest()},{len(_DESCRIPTION) * 8}"
    bundle = BytesIO()
    with ZipFile(bundle, "w", ZIP_DEFLATED) as archive:
        for name, content in (("pyproject.toml", _DESCRIPTION), (".info/CONTENT", listing)):
            archive.writestr(ZipInfo(name, date_time=_THE_SAME_DAY), content)
    return bundle.getvalue()

"""The dashboard asks for metrics that there are."""

import json
import re
from pathlib import Path

from tests.unit.server.observing.conftest import Observe

DASHBOARD = Path(__file__).parents[4] / "docs" / "grafana" / "medley.json"


async def test_every_panel_asks_for_metrics_and_labels_that_there_are(observe: Observe) -> None:
    board = json.loads(DASHBOARD.read_text())
    async with observe() as seen:
        await seen.chat(stream=True)
        await seen.chat("ghost")
        text = (await seen.http.get("/metrics")).text
    families = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    labels = set(re.findall(r'[{,](\w+)="', text)) | {"side"}  # a trial's; there is none here

    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    assert len(asked) > 15
    for expression in asked:
        for name in re.findall(r"\bmedley_\w+", expression):
            assert name in families or name.removesuffix("_bucket") in families, name
        for group in re.findall(r"by \(([^)]*)\)", expression):
            assert set(group.replace(" ", "").split(",")) <= labels, group

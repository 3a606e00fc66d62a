from importlib.metadata import EntryPoints

import pytest
from medley_registry import VariantKind
from medley_server.engine import plugins
from medley_server.engine.plugins import check_plugins
from medley_server.errors import CannotStart

BF16, NF4 = VariantKind.BF16, VariantKind.NF4


@pytest.mark.parametrize("allowed", [None, "medley,bitsandbytes", "bitsandbytes,medley,other"])
def test_the_plugins_it_needs_may_be_named_or_left_to_vllm(
    monkeypatch: pytest.MonkeyPatch, allowed: str | None
) -> None:
    monkeypatch.delenv("VLLM_PLUGINS", raising=False)
    if allowed is not None:
        monkeypatch.setenv("VLLM_PLUGINS", allowed)

    check_plugins(BF16)
    check_plugins(NF4)


@pytest.mark.parametrize(
    ("variant", "allowed", "missing"),
    [
        (BF16, "", "medley"),
        (BF16, "bitsandbytes", "medley"),
        (NF4, "medley", "bitsandbytes"),
        (NF4, "other", "medley and bitsandbytes"),
    ],
)
def test_an_allow_list_that_leaves_out_what_is_needed_is_refused(
    monkeypatch: pytest.MonkeyPatch, variant: VariantKind, allowed: str, missing: str
) -> None:
    monkeypatch.setenv("VLLM_PLUGINS", allowed)
    monkeypatch.setattr(plugins, "platform_plugin", lambda: "on a CPU")

    with pytest.raises(CannotStart, match=f"must name {missing} too"):
        check_plugins(variant)


def test_where_our_platform_stands_aside_it_need_not_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLLM_PLUGINS", "bitsandbytes")
    monkeypatch.setattr(plugins, "platform_plugin", lambda: None)

    check_plugins(NF4)


def test_nf4_without_the_plugin_that_reads_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda **_: EntryPoints())

    with pytest.raises(CannotStart, match="vllm-bnb-plugin"):
        check_plugins(NF4)
    monkeypatch.delenv("VLLM_PLUGINS", raising=False)
    check_plugins(BF16)

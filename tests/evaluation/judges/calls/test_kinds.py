"""Whatever kind of endpoint an operator may list: one request a call, and no answer without bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.judges.calls import client, endpoints, wire
from evaluation.judges.calls.endpoints import KINDS, Endpoint
from evaluation.judges.calls.protocol import Question, Spec, Unanswered
from tests.evaluation.judges.stub import Stub

# What litellm's own types say at their first use, in whichever test that is.
pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class:UserWarning")


def asked(stub: Stub, kind: str, timeout: float) -> str:
    model = f"{kind}/orion-mini-2026-08-11"
    endpoint = Endpoint("orion", model, f"http://127.0.0.1:{stub.port}/v1", "ORION_KEY", timeout=timeout)
    call = client.prepared(endpoint, Spec("orion", model, ""), Question("t", "?", "!"))
    try:
        return client.ask(call).text
    except Unanswered as unanswered:
        return unanswered.reason


@pytest.mark.parametrize("way", ["endless", "elsewhere"])
def test_answers_of_every_kind_of_endpoint_are_bounded(
    stub: Stub, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each call is one request, whatever litellm would do by itself. The bound is a smaller one here, as
    two dozen answers of four megabytes take long on a busy machine."""
    monkeypatch.setattr(wire, "LARGEST_BODY", 40_000)
    stub.ways = [way]
    told = {}
    for kind in KINDS:
        stub.calls.clear()
        told[kind] = asked(stub, kind, 60.0), len(stub.calls)
    assert told == dict.fromkeys(KINDS, ("the endpoint failed", 1))


@pytest.mark.parametrize("kind", ["openai", "anthropic", "azure", "cohere_chat", "openrouter"])
def test_the_whole_answer_has_to_come_in_time(stub: Stub, kind: str) -> None:
    """httpx's own time-out is of each read: at a letter a time the answer would be whole after seconds."""
    stub.ways = ["drip"]
    assert asked(stub, kind, 0.3) == "the endpoint did not answer in time"


def test_a_kind_whose_answers_are_not_known_to_be_bounded_is_refused(settings: Any, tmp_path: Path) -> None:
    listed = tmp_path / "judges.toml"
    settings.JUDGES_FILE = str(listed)
    for model in ("sagemaker/orion-2026-08-11", "deepinfra/orion-2026-08-11", "orion-2026-08-11"):
        listed.write_text(f'[[endpoint]]\nname = "{model}"\nmodel = "{model}"\n')
        endpoints._read.clear()
        with pytest.raises(endpoints.Misconfigured, match=f"asked as openai/{model}"):
            endpoints.known()

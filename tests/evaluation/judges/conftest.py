"""An endpoint for judges that answers as told, in the operator's list under the name `orion`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.judges import stub as stubs
from tests.evaluation.judges.stub import KEY, Stub


@pytest.fixture(scope="session")
def running() -> Iterator[Stub]:
    with stubs.serving() as stub:
        yield stub


@pytest.fixture
def stub(running: Stub, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Stub:
    file = tmp_path / "judges.toml"
    file.write_text(
        "[[endpoint]]\n"
        'name = "orion"\nmodel = "openai/orion-mini-2026-08-11"\nkey = "ORION_KEY"\n'
        f'base_url = "http://127.0.0.1:{running.port}/v1"\n'
        "input_price = 1.0\noutput_price = 10.0\ntimeout = 60.0\n"
    )
    settings.JUDGES_FILE = str(file)
    settings.JUDGE_MONTHLY_BUDGET = 50.0
    monkeypatch.setenv("ORION_KEY", KEY)
    running.calls.clear()
    running.ways = ["good"]
    running.model = stubs.MODEL
    return running

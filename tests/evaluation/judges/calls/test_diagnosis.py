"""The doctor names what keeps judges from being asked, and never a key."""

from __future__ import annotations

import os
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from evaluation.judges.calls import diagnosis
from evaluation.judges.models import MonthlySpend
from reviewapp.serving.diagnosis import Verdict
from tests.evaluation.judges.stub import KEY, Stub

pytestmark = pytest.mark.django_db


def said() -> list[tuple[Verdict, str]]:
    return [(finding.verdict, finding.detail) for finding in diagnosis.judges()]


def test_without_a_list_only_rules_can_be_asked(settings: Any) -> None:
    settings.JUDGES_FILE = ""
    assert said() == [(Verdict.OK, "no endpoint is listed, so only judges by rules can be asked")]


def test_what_is_listed_and_spent(stub: Stub) -> None:
    assert said() == [(Verdict.OK, "orion; 0.00 of 50.00 US$ spent this month")]


def test_a_key_that_is_not_set_and_an_alias(
    stub: Stub, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORION_KEY")
    file = Path(settings.JUDGES_FILE)
    file.write_text(file.read_text().replace("orion-mini-2026-08-11", "orion-latest"))
    os.utime(file, (1, 1))
    assert said() == [
        (Verdict.WARN, "orion has no key: ORION_KEY is not set"),
        (Verdict.WARN, "orion names no snapshot of its model: openai/orion-latest"),
    ]


def test_a_budget_that_is_spent(stub: Stub) -> None:
    MonthlySpend.objects.create(month=timezone.now().date().replace(day=1), spent_usd=50.0)
    assert said() == [(Verdict.WARN, "this month's 50.00 US$ are spent")]


def test_a_list_that_cannot_be_read_fails_the_command(settings: Any, tmp_path: Path) -> None:
    settings.JUDGES_FILE = str(tmp_path / "absent.toml")
    assert said()[0][0] is Verdict.FAIL
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)
    assert "FAIL  judges: JUDGES_FILE cannot be read" in out.getvalue()


def test_the_command_tells_no_key(stub: Stub) -> None:
    out = StringIO()
    with suppress(SystemExit):
        call_command("doctor", stdout=out)
    assert "judges: orion" in out.getvalue()
    assert KEY not in out.getvalue()

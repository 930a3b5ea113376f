"""Kinship and bias on the calibration page: told with n, warned of where judge and judged are related."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from evaluation.judges.models import AnsweredModel, JudgeVersion
from ingest import tasks as ingest_tasks
from ingest.models import Project
from tests.conftest import Api, Person
from tests.evaluation.judges.lines import line, load

pytestmark = pytest.mark.django_db


def lines(judge: str, models: tuple[str, ...], n: int = 240, kinder: float = 0.0) -> list[dict[str, Any]]:
    """A judge that passes failures of the first model `kinder` more often."""
    chance = random.Random(3)
    made = []
    for i in range(n):
        human, model = chance.random() < 0.4, models[i % len(models)]
        fails = chance.random() < (0.8 if human else 0.2) - kinder * (model == models[0])
        each = line(i, "fail" if human else "pass", "fail" if fails else "pass", slice={"model": model})
        each["judges"][0]["model"] = judge
        each["output"] = "word " * chance.randint(1, 50) + ("Sorry!" if chance.random() < 0.5 else "")
        made.append(each)
    return made


def read(api: Api) -> dict[str, Any]:
    told: dict[str, Any] = api().get("/api/v1/judges/helpful/calibration").json()["judge"]
    return told


def test_one_family_is_warned_of_everywhere(lead: Person, api: Api, project: Project) -> None:
    load(project, lines("gpt-4o-2024-08-06", ("gpt-4.1-mini", "claude-3-5-haiku"), kinder=0.2))
    told = read(api)
    assert told["family"]["same"] is True
    assert told["family"]["judged"] == [
        {"family": "anthropic", "n": 120},
        {"family": "openai", "n": 120},
    ] or (told["family"]["judged"] == [{"family": "openai", "n": 120}, {"family": "anthropic", "n": 120}])
    own = told["bias"]["self_preference"]
    assert own["n"] == 240 and own["high"] < 0
    page = lead.client.get("/projects/refunds/judges/helpful").content.decode()
    assert "120 of 240 judged answers come from OpenAI (GPT)" in page
    assert "It is kinder to its own family." in page
    assert "same family" in lead.client.get("/projects/refunds/judges").content.decode()


def test_what_is_too_few_or_unknown_says_so(lead: Person, api: Api, project: Project) -> None:
    load(project, lines("orion-1", ("gpt-4.1-mini",), n=120))
    ingest_tasks.read_stale(timedelta(0))
    told = read(api)
    assert told["family"]["same"] is None
    assert told["bias"]["self_preference"]["why_null"] == "the family of the judge is not known"
    assert told["bias"]["authority"]["why_null"] == (
        "50 pairs with it and 50 without are needed, there are 0 and 120"
    )
    assert told["bias"]["length"]["why_null"] is None
    page = lead.client.get("/projects/refunds/judges/helpful").content.decode()
    assert "too few" in page and "cannot be told from its name" in page
    assert "same family" not in lead.client.get("/projects/refunds/judges").content.decode()


def test_another_model_behind_the_alias_turns_the_badge(lead: Person, api: Api, project: Project) -> None:
    load(project, lines("orion-1", ("gpt-4.1-mini",), n=60))
    version = JudgeVersion.objects.get()
    for day, model in ((1, "orion-1"), (9, "orion-2")):
        AnsweredModel.objects.create(version=version, model=model, first_at=f"2026-01-{day:02}T00:00:00Z")
    told = api().get("/api/v1/judges/helpful/calibration").json()
    assert told["state"] == "STALE"
    page = lead.client.get("/projects/refunds/judges/helpful").content.decode()
    assert "Orion-2 has answered instead of orion-1 since 2026-01-09" in page

"""What was computed before is shown only while it is true, or with its time; computed anew it is the same."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from evaluation.judges.against_people import behind
from evaluation.judges.against_people.behind import Asked
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.making import versions
from evaluation.judges.models import AnchorSet, CalibrationPoint, JudgeVersion
from evaluation.judges.trust import calibration, kept_figures, stages
from evaluation.statistics import resampling
from evaluation.statistics.intervals import confidence_sequence
from ingest import tasks as ingest_tasks
from ingest.models import Project
from tests.conftest import Api, Person
from tests.evaluation.judges.lines import line, load, table

pytestmark = pytest.mark.django_db
PAGE = "/projects/refunds/judges/helpful"


@pytest.fixture
def version(project: Project) -> JudgeVersion:
    load(project, table(40, 10, 5, 145, pi=0.2))
    found = versions.find(project, "helpful")
    assert found is not None
    return found.versions.select_related("judge").get()


def scored(project: Project) -> JudgeVersion:
    """400 pairs with scores, a quarter of them failures; no two answers are equally long."""
    rows = table(60, 40, 20, 280, pi=0.5)
    for n, each in enumerate(rows):
        each["judges"][0]["score"] = (n * 37 % 100) / 100
        each["output"] = "Sorry, it is late. " + "x" * n if n % 3 else "It is on its way" + "." * n
    load(project, rows)
    found = versions.find(project, "helpful")
    assert found is not None
    return found.versions.select_related("judge").get()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as large, and rests are over at once."""
    monkeypatch.setattr(kept_figures, "MANY", 0)
    monkeypatch.setattr(kept_figures, "LEAST_REST", 0.0)
    monkeypatch.setattr(kept_figures, "REST", 0.0)


def test_another_anchor_set_is_noticed(version: JudgeVersion) -> None:
    """The system's side of the drift test is of the rounds over the newest one."""
    before = kept_figures.watermarks([version])
    AnchorSet.objects.create(judge=version.judge, name="anchors 1", frozen_at=timezone.now())
    assert kept_figures.watermarks([version]) != before


def numbers(told: Any) -> list[float]:
    """Every number in a document, in its order."""
    if isinstance(told, dict):
        return [n for _, value in sorted(told.items()) for n in numbers(value)]
    if isinstance(told, list):
        return [n for value in told for n in numbers(value)]
    return [float(told)] if isinstance(told, int | float) and not isinstance(told, bool) else []


def test_figures_computed_anew_are_the_same_to_the_last_digit(version: JudgeVersion) -> None:
    kept = kept_figures.of(Scope(version))
    stored = CalibrationPoint.objects.get().figures
    CalibrationPoint.objects.all().delete()
    again = kept_figures.of(Scope(JudgeVersion.objects.select_related("judge").get()))
    for name in ("api", "page"):
        first = numbers(json.loads(json.dumps(kept[name])))
        assert first
        assert first == pytest.approx(numbers(again[name]), abs=1e-12, rel=1e-12)
        assert first == pytest.approx(numbers(stored[name]), abs=1e-12, rel=1e-12)


def test_a_large_scope_is_never_counted_for_a_reader(
    lead: Person, version: JudgeVersion, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(scope: Scope) -> Any:
        raise AssertionError("a page counted a large scope")

    with monkeypatch.context() as patch:
        patch.setattr(calibration, "compute", never)
        told = lead.client.get(PAGE).content.decode()
        assert "are being computed" in told and 'hx-trigger="every 3s"' in told
        assert "being computed" in lead.client.get("/projects/refunds/judges").content.decode()
    assert kept_figures.refresh() == 1
    assert kept_figures.refresh() == 0, "nothing has changed since"
    with monkeypatch.context() as patch:
        patch.setattr(calibration, "compute", never)
        for query in (
            "",
            "?measure=tpr",
            "?cell=fn",
            "?cell=tn&page=2",
            "?cell=tn&page=900",
            "?cell=tone",
            "?at=0.3",
        ):
            assert 'id="summary"' in lead.client.get(PAGE + query).content.decode(), query


def test_a_large_scope_that_has_changed_says_of_when_it_is(
    lead: Person, project: Project, version: JudgeVersion, large: None
) -> None:
    lead.client.get(PAGE)
    kept_figures.refresh()
    assert "as of" not in lead.client.get(PAGE).content.decode()
    stages.retire(version)
    told = lead.client.get(PAGE).content.decode()
    assert "as of" in told and "STALE" not in told
    assert kept_figures.refresh() == 1
    told = lead.client.get(PAGE).content.decode()
    assert "as of" not in told and "STALE" in told


def test_lists_of_a_large_scope_are_those_that_are_counted_out(version: JudgeVersion, large: None) -> None:
    kept_figures.look(Scope(version))
    kept_figures.refresh()
    kept = kept_figures.look(Scope(version))
    for cell, number in (("", 1), ("tp", 1), ("tp", 2), ("tn", 3), ("fp", 1), ("all", 8), ("twice", 1)):
        asked = Asked(cell, number)
        counted = behind.rows(Scope(version), "imported", asked)
        assert kept.rows(asked) == json.loads(json.dumps(counted)), cell
    assert kept.rows(Asked("tn", 41)) == []


def test_lists_behind_thresholds_and_probes_of_a_large_scope_are_those_that_are_counted_out(
    project: Project, large: None
) -> None:
    version = scored(project)
    ingest_tasks.read_stale(timedelta(0))
    scope = Scope(version)
    kept_figures.look(scope)
    kept_figures.refresh()
    kept = kept_figures.look(scope)
    counts = {}
    for name in behind.AT:
        for at in (0.1, 0.3, 0.9):
            for number in (1, 2):
                asked = Asked(name, number, at)
                counted = behind.rows(scope, "imported", asked)
                assert kept.rows(asked) == json.loads(json.dumps(counted)), asked
            counts[name, at] = (behind.rows(scope, "imported", Asked(name, 1, at)) or [[0]])[0][-1]
    for name in ("length", "tone"):
        assert len(kept.rows(Asked(name)) or []) == behind.PAGE
    for name in behind.PROBES:
        assert kept.rows(Asked(name)) == json.loads(json.dumps(behind.rows(scope, "imported", Asked(name))))
    assert kept.figures is not None
    for row in kept.figures["page"]["what_if"]:
        if ("fn", row["threshold"]) in counts:
            missed = round((1 - row["tpr"]["value"]) * row["tpr"]["n"])
            alarmed = round((1 - row["tnr"]["value"]) * row["tnr"]["n"])
            at = row["threshold"]
            assert (counts["fn", at], counts["fp", at], counts["", at]) == (missed, alarmed, missed + alarmed)


def test_the_api_tells_figures_of_a_large_scope_at_once(api: Api, version: JudgeVersion, large: None) -> None:
    told = api().get("/api/v1/judges/helpful/calibration").json()
    assert told["n"] == 200 and told["confusion"]["fn"] == 10


def test_what_was_under_way_is_counted_once_more(version: JudgeVersion) -> None:
    kept_figures.of(Scope(version))
    point = CalibrationPoint.objects.get()
    past = timezone.now() - 2 * kept_figures.GRACE
    CalibrationPoint.objects.update(marked_at=past, computed_at=past)
    kept_figures.of(Scope(version))
    point.refresh_from_db()
    assert point.computed_at > past + kept_figures.GRACE
    assert point.marked_at == past
    computed_at = point.computed_at
    kept_figures.of(Scope(version))
    point.refresh_from_db()
    assert point.computed_at == computed_at, "nothing can have been under way any more"


def test_scopes_that_nobody_looks_at_are_forgotten(version: JudgeVersion, large: None) -> None:
    week = Scope(version, calibration.since("7d"))
    kept_figures.look(week)
    kept_figures.refresh()
    assert CalibrationPoint.objects.filter(scope=kept_figures.name_of(week)).exists()
    long_ago = timezone.now() - kept_figures.FORGOTTEN - timedelta(hours=1)
    CalibrationPoint.objects.update(asked_at=long_ago, computed_at=long_ago)
    kept_figures.refresh()
    assert not CalibrationPoint.objects.filter(scope=kept_figures.name_of(week)).exists()


def test_slices_whose_names_begin_alike_are_kept_apart(project: Project) -> None:
    load(project, [line(n, "fail", "fail", slice={"route": "r" * 350 + str(n % 2)}) for n in range(5)])
    found = versions.find(project, "helpful")
    assert found is not None
    scopes = [Scope(found.versions.get(), slice=("route", "r" * 350 + end)) for end in "01"]
    assert [kept_figures.of(scope)["api"]["n"] for scope in scopes] == [3, 2]


def test_linearised_intervals_above_the_bootstrap_are_told_of_the_same_values(
    version: JudgeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = calibration.compute(Scope(version))["api"]
    monkeypatch.setattr(resampling, "LARGEST_BOOTSTRAP", 50)
    linear = calibration.compute(Scope(version))["api"]
    for name in ("kappa", "ac1", "mcc", "f1"):
        assert linear[name]["value"] == exact[name]["value"]
        for bound in ("low", "high"):
            assert linear[name][bound] == pytest.approx(exact[name][bound], abs=0.03), name


def test_limits_for_those_who_always_look_stand_at_the_effective_sample_size(project: Project) -> None:
    rows = table(40, 10, 5, 145, pi=0.2)
    for each in rows[::4]:
        each["pi"] = 0.02
    load(project, rows)
    found = versions.find(project, "helpful")
    assert found is not None
    told = calibration.compute(Scope(found.versions.get()))
    always, agreement = told["page"]["always"]["agreement"], told["api"]["agreement"]
    assert (always["value"], always["n"]) == (agreement["value"], 200)
    assert always["low"] < agreement["low"] < agreement["high"] < always["high"]


def test_limits_for_those_who_always_look_are_the_confidence_sequence(
    lead: Person, version: JudgeVersion
) -> None:
    told = calibration.compute(Scope(version))
    always, agreement = told["page"]["always"], told["api"]["agreement"]
    assert (always["agreement"]["value"], always["agreement"]["n"]) == (185 / 200, 200)
    assert always["agreement"]["low"] < agreement["low"] < agreement["high"] < always["agreement"]["high"]
    limits = confidence_sequence(185, 200)
    assert (always["agreement"]["low"], always["agreement"]["high"]) == pytest.approx(limits, abs=1e-9)
    page = lead.client.get(PAGE).content.decode()
    assert "Limits that hold however often you look" in page
    assert "Average precision" in page

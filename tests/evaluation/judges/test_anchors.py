"""A version is held against its own rounds over the anchors: the next version does not hide that it moved."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db.models.functions import Now

from evaluation.judges import anchors, versions
from evaluation.judges.models import Anchor, AnchorSet, JudgeVersion, Judgment, Kind, Origin, Progress
from evaluation.judges.protocol import FIRST_ANCHOR_TRIAL
from ingest.models import Project, Trace
from reviewapp.review import snapshots
from tests.conftest import Api

pytestmark = pytest.mark.django_db
ANCHORS = 30


@pytest.fixture
def frozen(api: Api, project: Project) -> list[Trace]:
    """Anchors that all fail."""
    bodies = [{"id": f"t{n}", "input": "?", "output": f"Answer {n}."} for n in range(ANCHORS)]
    api().post("/api/v1/traces", json.dumps(bodies), content_type="application/json")
    made = AnchorSet.objects.create(judge=version(project, 1).judge, name="anchors 1", frozen_at=Now())
    rows = list(Trace.objects.order_by("pk"))
    for trace in rows:
        Anchor.objects.create(
            anchor_set=made, trace=trace, snapshot=snapshots.of_trace(trace), verdict="fail"
        )
    return rows


def version(project: Project, number: int) -> JudgeVersion:
    return versions.create(project, "helpful", Kind.RULES, parameters={"rules": [], "n": number})


def judged(by: JudgeVersion, rows: list[Trace], trial: int, right: int) -> None:
    Judgment.objects.bulk_create(
        Judgment(
            version=by,
            trace=trace,
            trial=FIRST_ANCHOR_TRIAL + trial,
            origin=Origin.ANCHOR,
            progress=Progress.DONE,
            verdict="fail" if place < right else "pass",
        )
        for place, trace in enumerate(rows)
    )


def test_a_version_that_moved_has_moved_also_when_the_next_one_is_right(
    project: Project, frozen: list[Trace]
) -> None:
    first, second = version(project, 1), version(project, 2)
    judged(first, frozen, 0, right=28)
    judged(first, frozen, 1, right=15)
    judged(second, frozen, 0, right=28)
    found = anchors.drift(first)
    assert (found.lost, found.won, found.against, found.has_moved) == (13, 0, "", True)
    assert found.p == pytest.approx(2 * 0.5**13)
    assert len(found.rounds) == 3
    after = anchors.drift(second)
    assert (after.lost, after.won, after.against) == (0, 13, first.label)
    judged(second, frozen, 1, right=27)
    own = anchors.drift(second)
    assert (own.lost, own.won, own.against, own.has_moved) == (1, 0, "", False)


def test_one_round_of_the_first_version_compares_with_nothing(project: Project, frozen: list[Trace]) -> None:
    first: Any = version(project, 1)
    judged(first, frozen, 0, right=20)
    assert anchors.drift(first).p is None
    assert anchors.drift(version(project, 2)).p is None

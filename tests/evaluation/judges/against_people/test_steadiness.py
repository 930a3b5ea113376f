"""Weeks against exact limits: quiet ones stay inside, a fall stands out, few pairs say nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from evaluation.judges.against_people.steadiness import weekly
from ingest.models import Project
from tests.conftest import Person
from tests.evaluation.judges.lines import line, load

MONDAY = date(2026, 9, 7)


def days(failing: list[int], n: int = 15) -> list[tuple[date, int, int]]:
    """Seven days of 15 pairs for each week, so many of which disagree a day."""
    return [
        (MONDAY + timedelta(weeks=week, days=day), failed, n)
        for week, failed in enumerate(failing)
        for day in range(7)
    ]


def test_quiet_weeks_stay_inside_and_a_fall_stands_out() -> None:
    quiet = weekly(days([1] * 10))
    assert (quiet["rate"], quiet["known"], quiet["out"]) == (1 / 15, 6 * 105, [])
    assert not any(week["is_drifting"] for week in quiet["weeks"])
    fallen = weekly(days([1] * 7 + [4] * 3))
    assert [week["from"] for week in fallen["out"]] == ["2026-10-26", "2026-11-02", "2026-11-09"]
    last = fallen["weeks"][-1]
    assert (last["failed"], last["n"], last["is_drifting"]) == (28, 105, True)
    assert last["low"] <= 7 <= last["high"] < 28


def test_too_few_pairs_before_have_no_limits() -> None:
    assert weekly(days([1] * 5))["rate"] is None
    assert weekly([])["weeks"] == []


@pytest.mark.django_db
def test_the_page_names_the_weeks_that_stand_out(project: Project, lead: Person) -> None:
    lines = [
        line(
            number,
            "pass",
            "fail" if number % 40 < (14 if number >= 280 else 2) else "pass",
            timestamp=f"{MONDAY + timedelta(weeks=number // 40)}T12:00:00Z",
        )
        for number in range(400)
    ]
    load(project, lines)
    page = lead.client.get(f"/projects/{project.slug}/judges/helpful").content.decode()
    assert "3 weeks outside the exact limits of a judge as steady as before: " in page
    assert 'from=2026-10-26&amp;to=2026-11-01">W44</a> (14 of 40 disagree, 0–' in page
    assert "At 5 % disagreements, the rate of all weeks but the last four (n = 240)" in page

"""The fail rate of each slice, and a change of it by another mix of routes or other rates within them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from evaluation.judges.against_people.comparison import Slot
from evaluation.judges.against_people.rates import change
from evaluation.statistics.measures import Cell
from ingest.models import Project
from tests.conftest import Person
from tests.evaluation.judges.lines import line, load

NEWEST = date(2026, 11, 16)
Cells = list[tuple[Slot, Cell]]


def cells(weeks_ago: int, route: str, failed: int, n: int, weight: float = 1.0) -> Cells:
    slot = Slot(NEWEST - timedelta(weeks=weeks_ago), (route, "m", "v1"))
    return [
        (slot, Cell(True, True, weight, failed, "", "")),
        (slot, Cell(False, False, weight, n - failed, "", "")),
    ]


def test_a_change_is_split_into_mix_and_rates() -> None:
    """Before .5 at .1 and .5 at .3; since .25 at .2 and .75 at .4."""
    told = change(
        [*cells(4, "a", 10, 100), *cells(7, "b", 30, 100), *cells(0, "a", 10, 50), *cells(3, "b", 60, 150)]
    )
    assert told is not None
    assert (told["before"]["value"], told["since"]["value"]) == pytest.approx((0.2, 0.35))
    assert told["gap"]["value"] == pytest.approx(0.15)
    assert told["gap"]["low"] < 0.15 < told["gap"]["high"]
    assert told["mix"] == pytest.approx(-0.25 * 0.15 + 0.25 * 0.35)
    assert told["within"] == pytest.approx(0.1 * 0.375 + 0.1 * 0.625)
    assert told["mix"] + told["within"] == pytest.approx(told["gap"]["value"])


def test_shares_are_of_production_and_not_of_labels() -> None:
    """A route that is labelled five times as often as the other is no larger for that."""
    even = [
        *cells(4, "a", 10, 100),
        *cells(4, "b", 30, 100),
        *cells(0, "a", 10, 100),
        *cells(0, "b", 30, 100),
    ]
    often = [*even[:4], *cells(0, "a", 50, 500, weight=0.2), *even[6:]]
    told = change(often)
    assert told is not None
    assert (told["mix"], told["within"], told["gap"]["value"]) == pytest.approx((0, 0, 0))


def test_routes_that_one_side_lacks_are_named_and_never_made_up() -> None:
    told = change(
        [*cells(4, "a", 10, 100), *cells(4, "gone", 5, 50), *cells(0, "a", 20, 100), *cells(0, "new", 9, 9)]
    )
    assert told is not None
    assert (told["only_since"], told["only_before"]) == (["new"], ["gone"])
    assert (told["mix"], told["within"]) == pytest.approx((0, 0.1))


def test_too_few_labels_tell_of_no_change() -> None:
    assert change([]) is None
    assert change(cells(0, "a", 10, 100)) is None
    assert change([*cells(4, "a", 1, 29), *cells(0, "a", 10, 100)]) is None


@pytest.mark.django_db
def test_the_page_has_the_rate_of_each_slice_and_the_parts_of_its_change(
    project: Project, lead: Person
) -> None:
    rows = []
    for number in range(480):
        old, many = number < 240, number % 4 > 0
        fails = number % 10 == 0 if old else number % 5 == 0
        rows.append(
            line(
                number, "fail" if fails else "pass", "fail" if number % 4 == 0 else "pass", pi=0.1,
                timestamp=f"{NEWEST - timedelta(weeks=5 if old else 0)}T12:00:00Z",
                slice={"route": "returns" if many else "orders"},
            )
        )  # fmt: skip
    rows += [
        line(number, "", "fail", pi=0.1, slice={"route": "returns"}, labels=[]) for number in range(500, 560)
    ]
    load(project, rows)
    page = lead.client.get(f"/projects/{project.slug}/judges/helpful").content.decode()
    assert "<b>+10.0 points</b>" in page
    assert "0.0 by another mix of routes, +10.0 by other rates within them." in page
    table = page[page.index('aria-label="Failure rate by slice"') :]
    table = table[: table.index("</table>")]
    assert table.index(">returns</a>") > 0 and table.index(">orders</a>") > 0
    assert "labels only" in table and "slice=route%3Dreturns" in table

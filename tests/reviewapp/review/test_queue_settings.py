"""What a lead may type into the settings of a queue, and what is said of anything else."""

from __future__ import annotations

import pytest

from reviewapp.review.forms import QueueForm, initial_of
from tests.reviewapp.review.making import make_queue

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("overlap", "0", "Give a whole number from 1 to 5."),
        ("overlap", "6", "Give a whole number from 1 to 5."),
        ("overlap", "two", "Give a whole number from 1 to 5."),
        ("overlap", "", "Give a whole number from 1 to 5."),
        ("lease_minutes", "0.1", "Give a number from 0.5 to 1,440."),
        ("lease_minutes", "nan", "Give a number from 0.5 to 1,440."),
        ("audit_every", "101", "Give a whole number from 1 to 100."),
        ("double_percent", "-1", "Give a number from 0 to 100."),
        ("double_minimum", "1001", "Give a whole number from 0 to 1,000."),
        ("due_days", "0", "Give a whole number from 1 to 365."),
    ],
)
def test_a_number_out_of_range_is_told_the_range(project, field, typed, words):
    form = QueueForm(project, None, {field: typed})
    assert form.errors[field] == [words]
    # The words stand in the place of the help, so the unit of a lease is no part of that.
    assert field != "lease_minutes" or "minutes" in str(form[field].label)


def test_half_a_minute_is_the_shortest_lease_that_a_lead_can_give(project):
    assert "lease_minutes" not in QueueForm(project, None, {"lease_minutes": "0.5"}).errors


def test_a_shorter_lease_that_the_api_gave_is_kept_and_made_no_shorter(project):
    queue = make_queue(project, lease_seconds=5)
    shown = initial_of(queue)["lease_minutes"]
    form = QueueForm(project, queue, {"lease_minutes": shown})
    assert "lease_minutes" not in form.errors and round(form.cleaned_data["lease_minutes"] * 60) == 5
    shorter = QueueForm(project, queue, {"lease_minutes": "0.02"})
    assert shorter.errors["lease_minutes"] == ["Give a number from 0.08 to 1,440."]


def test_a_queue_may_be_due_never(project):
    assert "due_days" not in QueueForm(project, None, {"due_days": ""}).errors

"""What a lead may type into the settings of a queue, and what is said of anything else."""

from __future__ import annotations

import pytest

from reviewapp.review.forms import QueueForm

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("overlap", "0", "Give a whole number from 1 to 5."),
        ("overlap", "6", "Give a whole number from 1 to 5."),
        ("overlap", "two", "Give a whole number from 1 to 5."),
        ("overlap", "", "Give a whole number from 1 to 5."),
        ("lease_minutes", "0", "Give a number from 0.1 to 1,440."),
        ("lease_minutes", "nan", "Give a number from 0.1 to 1,440."),
        ("audit_every", "101", "Give a whole number from 1 to 100."),
        ("double_percent", "-1", "Give a number from 0 to 100."),
        ("double_minimum", "1001", "Give a whole number from 0 to 1,000."),
        ("due_days", "0", "Give a whole number from 1 to 365."),
    ],
)
def test_a_number_out_of_range_is_told_the_range(project, field, typed, words):
    assert QueueForm(project, None, {field: typed}).errors[field] == [words]


def test_a_queue_may_be_due_never(project):
    assert "due_days" not in QueueForm(project, None, {"due_days": ""}).errors

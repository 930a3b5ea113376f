"""What the database itself refuses to hold of items, assignments, labels and resolutions."""

from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from reviewapp.review import labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Assignment, Label, Resolution, ReviewItem
from tests.reviewapp.review.making import filled

pytestmark = pytest.mark.django_db


@pytest.fixture
def label(queue, rita):
    filled(queue, 1)
    lease = leases.claim(queue, rita)
    assert lease is not None
    return labels.submit(lease.item, Actor(rita), lease.token, Answer(verdict="fail")).label


def refused_by(model, row, **changed):
    """The check that refuses a copy of the row with these values, or "" where it is taken."""
    kept = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
    # Whatever else is known once of a reviewer or an item stays so.
    anew = {"id": None, "revision": 99} | ({"idempotency_key": "anew"} if model is Label else {})
    given = {**kept, **anew, **changed}
    try:
        with transaction.atomic():
            model.objects.create(**given)
            transaction.set_rollback(True)
    except IntegrityError as refusal:
        return refusal.__cause__.diag.constraint_name
    return ""


@pytest.mark.parametrize(
    ("kind", "verdict", "preference"), [*product(["answer", "undo"], ["", "pass"], ["", "tie"])]
)
def test_a_label_says_one_thing_and_an_undo_nothing(label, kind, verdict, preference):
    said = bool(verdict) + bool(preference)
    is_right = said == (kind == "answer")
    refused = refused_by(Label, label, kind=kind, verdict=verdict, preference=preference)
    assert refused == ("" if is_right else "label_says_one_thing")


@pytest.mark.parametrize(
    ("method", "verdict", "preference"), [*product(["single", "withdrawn"], ["", "pass"], ["", "tie"])]
)
def test_a_resolution_says_one_thing_and_a_withdrawn_one_nothing(label, method, verdict, preference):
    said = bool(verdict) + bool(preference)
    is_right = said == (method == "single")
    resolution = Resolution.objects.get()
    refused = refused_by(
        Resolution, resolution, method=method, verdict=verdict, preference=preference, confirmed=False
    )
    assert refused == ("" if is_right else "resolution_says_one_thing")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "answers"),
        ("kind", ""),
        ("via", "PAGE"),
        ("verdict", "pass\n"),
        ("verdict", "a pass"),
        ("preference", "ab"),
        ("confidence", "sure|"),
    ],
)
def test_a_label_holds_known_words_only(label, column, value):
    said = {"verdict": "", "preference": ""} if column in ("verdict", "preference") else {}
    assert refused_by(Label, label, **{**said, column: value}) == f"label_{column}_is_known"


def test_every_word_there_is_can_be_held(label):
    for column in ("kind", "via", "verdict", "preference", "confidence"):
        for value, _ in Label._meta.get_field(column).choices:
            said = {"verdict": "", "preference": ""} if (column, value) == ("kind", "undo") else {}
            said |= {"verdict": ""} if column == "preference" else {}
            assert refused_by(Label, label, **said, **{column: value}) == "", (column, value)


@pytest.mark.parametrize(
    ("model", "changed", "check"),
    [
        (ReviewItem, {"state": "x"}, "item_state_is_known"),
        (ReviewItem, {"purpose": "x", "original": F("pk")}, "item_purpose_is_known"),
        (ReviewItem, {"kind": "x"}, "pairs_have_two_traces"),
        (ReviewItem, {"lane": "x"}, "audit_items_have_a_draw"),
        (Assignment, {"state": "x"}, "assignment_state_is_known"),
    ],
)
def test_items_and_assignments_hold_known_words_only(label, model, changed, check):
    with pytest.raises(IntegrityError, match=check), transaction.atomic():
        model.objects.update(**changed)


def test_a_resolution_holds_known_words_only(label):
    resolution = Resolution.objects.get()
    assert refused_by(Resolution, resolution, method="x") == "resolution_method_is_known"
    assert refused_by(Resolution, resolution, cause="x") == "resolution_cause_is_known"

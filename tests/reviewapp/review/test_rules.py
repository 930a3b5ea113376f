"""What the database itself refuses to hold of items, assignments, labels and resolutions."""

from datetime import date
from itertools import product
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.test.utils import isolate_apps

from reviewapp.review import labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from reviewapp.review.models import Assignment, Label, Resolution, ReviewItem
from reviewapp.review.models.rules import Rules
from tests.reviewapp.review.making import filled

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 4)


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
        ("kind", "undo/"),
        ("via", "PAGE"),
        ("via", "page/"),
        ("verdict", "pass\n"),
        ("verdict", "a pass"),
        ("verdict", "a"),
        ("preference", "ab"),
        ("preference", "pass"),
        ("confidence", "sure|"),
    ],
)
def test_a_label_holds_known_words_only(label, column, value):
    said = {"verdict": "", "preference": ""} if column in ("verdict", "preference") else {}
    check = "label_words_are_known" if column in ("via", "confidence") else "label_says_one_thing"
    assert refused_by(Label, label, **{**said, column: value}) == check


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
        (ReviewItem, {"purpose": "known"}, "copies_name_their_original"),
        (ReviewItem, {"original": F("pk")}, "copies_name_their_original"),
        (ReviewItem, {"kind": "x"}, "pairs_have_two_traces"),
        (ReviewItem, {"kind": "pair"}, "pairs_have_two_traces"),
        (ReviewItem, {"other_trace": F("trace")}, "pairs_have_two_traces"),
        (ReviewItem, {"lane": "x"}, "item_stands_in_its_lane"),
        (ReviewItem, {"lane": "audit"}, "item_stands_in_its_lane"),
        (ReviewItem, {"lane": "audit", "audit_rank": 0.5, "u": 0.5}, "item_stands_in_its_lane"),
        (ReviewItem, {"lane": "audit", "audit_rank": 0.5, "day": DAY}, "item_stands_in_its_lane"),
        (ReviewItem, {"lane": "risk", "audit_rank": 0.5, "u": 0.5, "day": DAY}, "item_stands_in_its_lane"),
        (ReviewItem, {"rank": None}, "item_stands_in_its_lane"),
        (ReviewItem, {"round": 0}, "item_rounds_begin_at_one"),
        (ReviewItem, {"required": 0}, "slots_in_range"),
        (ReviewItem, {"required": 6}, "slots_in_range"),
        (ReviewItem, {"open_slots": -1}, "slots_in_range"),
        (ReviewItem, {"open_slots": 2}, "slots_in_range"),
        (ReviewItem, {"state": "removed"}, "removed_items_are_closed"),
        (ReviewItem, {"removed_at": Now()}, "removed_items_are_closed"),
        (ReviewItem, {"state": "removed", "removed_at": Now(), "open_slots": 1}, "removed_items_are_closed"),
        (Assignment, {"state": "x", "current": None}, "assignment_state_is_known"),
        (Assignment, {"token": uuid4()}, "leases_have_token_and_end"),
        (Assignment, {"lease_until": Now()}, "leases_have_token_and_end"),
        (Assignment, {"state": "leased", "current": None, "token": uuid4()}, "leases_have_token_and_end"),
        (Assignment, {"state": "leased", "current": None, "lease_until": Now()}, "leases_have_token_and_end"),
        (Assignment, {"state": "released"}, "submitted_has_a_label"),
        (Assignment, {"current": None}, "submitted_has_a_label"),
        (Assignment, {"submitted_at": None}, "submitted_has_a_label"),
    ],
)
def test_items_and_assignments_hold_what_fits_together_only(label, model, changed, check):
    with pytest.raises(IntegrityError, match=check), transaction.atomic():
        model.objects.update(**changed)


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        (ReviewItem, {"purpose": "repeat", "original": F("pk")}),
        (ReviewItem, {"kind": "pair", "other_trace": F("trace")}),
        (ReviewItem, {"lane": "audit", "audit_rank": 0.5, "u": 0.5, "day": DAY}),
        (ReviewItem, {"lane": "audit", "audit_rank": 0.5, "u": 0.5, "day": DAY, "rank": None}),
        (ReviewItem, {"required": 5, "open_slots": 5, "u": 0.5}),
        (ReviewItem, {"state": "removed", "removed_at": Now()}),
        (Assignment, {"state": "skipped", "current": None}),
        (Assignment, {"state": "leased", "current": None, "token": uuid4(), "lease_until": Now()}),
    ],
)
def test_what_fits_together_is_held(label, model, changed):
    assert model.objects.update(**changed) == 1


def test_revisions_begin_at_one(label):
    assert refused_by(Label, label, revision=0) == "label_revisions_begin_at_one"
    assert refused_by(Resolution, Resolution.objects.get(), revision=0) == "resolution_revisions_begin_at_one"


def test_a_resolution_holds_known_words_only(label):
    resolution = Resolution.objects.get()
    assert refused_by(Resolution, resolution, method="x") == "resolution_says_one_thing"
    assert refused_by(Resolution, resolution, cause="x") == "resolution_cause_is_known"


def test_a_row_is_told_of_its_rules_before_it_is_stored(label):
    item = ReviewItem.objects.get()
    item.validate_constraints()
    item.state, item.required, item.round = "x", 0, 0
    with pytest.raises(ValidationError) as refused:
        item.validate_constraints()
    for rule in ("item_state_is_known", "slots_in_range", "item_rounds_begin_at_one"):
        assert rule in str(refused.value)


@isolate_apps("reviewapp")
def test_a_table_that_is_made_with_its_rules_keeps_them(db):
    class Ruled(models.Model):  # noqa: DJ008 - nobody sees it
        number = models.IntegerField(null=True)
        word = models.TextField(default="")

        class Meta:
            app_label = "reviewapp"
            constraints = [
                Rules(
                    name="ruled",
                    rules={
                        "number_is_even": Q(number__in=[0, 2]),
                        "word_is_quoted": ~Q(word__contains="100% o'clock"),
                    },
                )
            ]

    with connection.schema_editor() as editor:
        editor.create_model(Ruled)
    # As in a CHECK, what is not known to break a rule keeps it.
    row = Ruled.objects.create(number=None, word="100% of the clock")
    for changed, rule in (({"number": 1}, "number_is_even"), ({"word": "at 100% o'clock"}, "word_is_quoted")):
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            Ruled.objects.filter(pk=row.pk).update(**changed)
    (ruled,) = Ruled._meta.constraints
    with connection.schema_editor() as editor:
        editor.remove_constraint(Ruled, ruled)
    assert Ruled.objects.update(number=1, word="at 100% o'clock") == 1

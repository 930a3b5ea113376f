"""Admins say which pages may send feedback, how fast, and see the key that signs traces."""

import pytest

from ingest.feedback_door import links, settings
from ingest.models import FeedbackDoor

PAGE = "/projects/refunds/feedback-settings"
ASKED = {
    "origins": "https://Shop.example/\nhttp://localhost:3000",
    "key_a_minute": "100",
    "address_a_minute": "10",
    "requires_signature": "on",
}


def test_the_settings_are_saved_and_shown(owner, project):
    assert owner.client.post(PAGE, ASKED).status_code == 302
    door = settings.read(project)
    assert door.origins == ["https://shop.example", "http://localhost:3000"]
    assert (door.key_a_minute, door.address_a_minute, door.requires_signature) == (100, 10, True)
    assert "https://shop.example\nhttp://localhost:3000" in owner.client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"origins": "*"}, "no wildcard"),
        ({"origins": "shop"}, "looks like"),
        ({"key_a_minute": "0"}, "greater than"),
    ],
)
def test_what_cannot_be_taken_is_said(owner, fields, words):
    page = owner.client.post(PAGE, ASKED | fields)
    assert page.status_code == 422 and words in page.content.decode()
    assert not FeedbackDoor.objects.exists()


def test_the_key_is_shown_to_admins_and_can_be_changed(owner, lead, project, stranger):
    old = links.key_of(settings.read(project))
    assert old in owner.client.get(PAGE).content.decode()
    assert owner.client.post(f"{PAGE}/key").status_code == 302
    new = links.key_of(settings.read(project))
    assert new != old and new in owner.client.get(PAGE).content.decode()
    assert (lead.client.get(PAGE).status_code, stranger.client.get(PAGE).status_code) == (403, 404)
    assert stranger.client.post(f"{PAGE}/key").status_code == 404
    assert owner.client.get(f"{PAGE}/key").status_code == 405


def test_changes_are_in_the_audit_log_without_the_key(owner, project):
    owner.client.post(PAGE, ASKED)
    owner.client.post(f"{PAGE}/key")
    log = owner.client.get("/projects/refunds/audit").content.decode()
    assert "the door for feedback from browsers was set" in log
    assert links.key_of(settings.read(project)) not in log

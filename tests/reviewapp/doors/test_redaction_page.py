"""Leads see the policy and try it, admins change it; nothing that is pasted is kept."""

import pytest

from ingest.models import RedactionCount, RedactionPolicy
from ingest.redaction import policies
from tests.ingest.redaction.test_doors import dump

PAGE = "/projects/refunds/redaction"
ASKED = {
    "kinds": ["email", "secret"],
    "regions": "de, us",
    "patterns": "customer: \\bKD-\\d{6}\\b\n\n",
    "allowed": "Support@example.org\n@shop.example",
}


def test_the_policy_is_saved_and_shown(owner, project):
    assert owner.client.post(f"{PAGE}/policy", ASKED).status_code == 302
    policy = policies.read(project)
    assert (policy.kinds, policy.regions) == ({"email", "secret"}, ("DE", "US"))
    assert policy.allowed == {"support@example.org", "@shop.example"}
    assert [own.name for own in policy.patterns] == ["customer"]
    page = owner.client.get(PAGE).content.decode()
    assert "KD-" in page and "@shop.example" in page and "DE, US" in page
    assert page.count("checked") == 2


def test_every_kind_can_be_switched_off(owner, project):
    owner.client.post(f"{PAGE}/policy", {"regions": "", "patterns": "", "allowed": ""})
    assert policies.read(project).kinds == frozenset()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"patterns": "ahead: (?=b)"}, "look-around"),
        ({"patterns": "huge: (x{1000}){1000}"}, "too large"),
        ({"patterns": "no colon here"}, "a name, a colon and a pattern"),
        ({"patterns": "email: x"}, "built-in kind"),
        ({"regions": "ZZ"}, "two-letter"),
        ({"kinds": ["soul"]}, "soul"),
        ({"allowed": "x" * 201}, "at most 200"),
    ],
)
def test_what_cannot_be_taken_is_said_and_kept_in_the_form(owner, fields, words):
    page = owner.client.post(f"{PAGE}/policy", ASKED | fields)
    assert page.status_code == 422
    assert words in page.content.decode()
    assert not RedactionPolicy.objects.exists()


def test_a_text_is_tried_with_the_form_as_it_stands_and_not_kept(owner, project):
    sample = "I am ada@seeded.example, KD-123456 <b>"
    page = owner.client.post(f"{PAGE}/preview", ASKED | {"sample": sample})
    text = page.content.decode()
    assert "I am [EMAIL:" in text and "[CUSTOMER:" in text and "1 email" in text and "&lt;b&gt;" in text
    assert "no-store" in page["Cache-Control"]
    assert not RedactionPolicy.objects.exists() and not RedactionCount.objects.exists()
    assert [where for where, value in dump() if "seeded.example" in value] == []


def test_a_lead_sees_and_tries_what_is_saved(lead, owner, project):
    owner.client.post(f"{PAGE}/policy", ASKED)
    page = lead.client.get(PAGE).content.decode()
    assert "an admin can change it" in page and "disabled" in page and ">Save<" not in page
    tried = lead.client.post(f"{PAGE}/preview", {"sample": "ada@seeded.example"}).content.decode()
    assert "[EMAIL:" in tried
    assert lead.client.post(f"{PAGE}/policy", ASKED).status_code == 403


def test_reviewers_and_strangers_see_nothing(reviewer, stranger):
    assert reviewer.client.get(PAGE).status_code == 403
    for client in (stranger.client,):
        assert client.get(PAGE).status_code == 404
        assert client.post(f"{PAGE}/policy", ASKED).status_code == 404
        assert client.post(f"{PAGE}/preview", {"sample": "x"}).status_code == 404


def test_counters_are_summed_by_kind(lead, project, other_project, django_assert_max_num_queries):
    from django.utils import timezone

    today = timezone.now().date()
    for where, shard, count in ((project, 0, 3), (project, 1, 4), (other_project, 0, 99)):
        RedactionCount.objects.create(project=where, day=today, kind="email", shard=shard, count=count)
    with django_assert_max_num_queries(9):
        page = lead.client.get(PAGE)
    [row] = page.context["counted"]
    assert (row.kind, row.today, row.week, row.month) == ("email", 7, 7, 7)


def test_the_page_says_what_is_not_found(lead):
    page = lead.client.get(PAGE).content.decode()
    assert "What this does not find" in page and "Names of people" in page


def test_changes_are_in_the_audit_log(owner):
    owner.client.post(f"{PAGE}/policy", ASKED)
    owner.client.post(f"{PAGE}/policy", ASKED | {"kinds": []})
    log = owner.client.get("/projects/refunds/audit").content.decode()
    assert "the redaction policy was set" in log and "the redaction policy was changed" in log

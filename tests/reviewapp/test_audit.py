"""The audit log tells who changed what and through which address, of this project alone, and no secret."""

from django.core.management import call_command

from ingest.models import ApiToken, Scope
from ingest.tokens import issue
from reviewapp import audit
from reviewapp.models import Membership

PAGE = "/projects/refunds/audit"


def entries(project):
    return audit.read(audit.events_of(project))


def entry(project, what):
    return next(entry for entry in entries(project) if entry.what == what)


def test_a_change_on_a_page_is_kept_with_person_and_address(owner, reviewer, project):
    membership = Membership.objects.get(user=reviewer.user)
    owner.client.post(f"/projects/refunds/members/{membership.pk}/role", {"role": "lead"})
    latest = entry(project, "rita became lead")
    assert latest.who == "ada"
    assert latest.route == "projects/<slug:slug>/members/<int:pk>/role"
    assert [(change.field, change.before, change.after) for change in latest.changes] == [
        ("role", "reviewer", "lead")
    ]


def test_a_removal_is_kept(owner, reviewer, project):
    owner.client.post(f"/projects/refunds/members/{Membership.objects.get(user=reviewer.user).pk}/remove")
    assert entry(project, "rita was removed").who == "ada"


def test_tokens_are_in_it_without_their_secret(owner, project):
    page = owner.client.post("/projects/refunds/tokens", {"name": "app", "scopes": ["ingest"], "expires": ""})
    secret = page.context["issued"].text.split("_")[2]
    owner.client.post(f"/projects/refunds/tokens/{ApiToken.objects.get().pk}/revoke")
    assert [entry.what for entry in entries(project) if "token" in entry.what] == [
        "token app was revoked",
        "token app was issued for ingest",
    ]
    stored = str(list(audit.events_of(project).values()))
    assert secret not in stored and "secret" not in stored


def test_a_write_without_a_page_is_by_the_server(db, project):
    project.name = "Renamed"
    project.save()
    call_command("create_project", "refunds", "--name", "Again")
    newest, older, _ = [entry for entry in entries(project) if entry.what.startswith("the project")]
    assert (newest.who, older.who) == ("the server, create_project", "the server")


def test_use_of_a_token_is_no_event(project):
    token = issue(project, "app", [Scope.INGEST]).token
    before = audit.events_of(project).count()
    ApiToken.objects.filter(pk=token.pk).update(last_used_at="2026-01-01T00:00Z")
    assert audit.events_of(project).count() == before


def test_other_projects_are_not_in_it(owner, stranger, other_project):
    issue(other_project, "their secret name", [Scope.INGEST])
    page = owner.client.get(PAGE).content.decode()
    assert "their secret name" not in page and "sam joined" not in page
    assert "ada joined as admin" in page


def test_pages_ask_the_same_number_of_questions(owner, project, django_assert_max_num_queries):
    for number in range(60):
        issue(project, f"token {number}", [Scope.INGEST])
    with django_assert_max_num_queries(15):
        page = owner.client.get(PAGE, {"page": "2"})
    assert len(page.context["entries"]) == 12

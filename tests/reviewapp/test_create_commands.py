"""The three commands that set a project up can be run again, and print secrets on stdout alone."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ingest.models import ApiToken, Project
from ingest.tokens import FORMAT, Credential, authenticate
from reviewapp.models import Membership, User


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_project_is_made_once(db):
    run("create_project", "support-desk")
    run("create_project", "support-desk")
    assert Project.objects.get().name == "Support desk"
    run("create_project", "support-desk", "--name", "Support")
    assert Project.objects.get().name == "Support"


def test_a_slug_that_is_none_is_refused(db):
    with pytest.raises(CommandError, match="slug"):
        run("create_project", "not a slug")


def test_users_get_a_password_each_once(project):
    out, err = run("create_user", "ada", "ben", "--project", "refunds", "--role", "admin")
    lines = [line.split() for line in out.splitlines()]
    assert [name for name, _ in lines] == ["ada", "ben"]
    assert all(User.objects.get(username=name).check_password(password) for name, password in lines)
    again, _ = run("create_user", "ada", "--project", "refunds", "--role", "lead")
    assert again == "ada\n"
    assert Membership.objects.get(user__username="ada").role == "lead"
    assert "ada" not in err.split("\n")[2]


def test_a_password_may_be_given(project):
    out, _ = run(
        "create_user", "ada", "--project", "refunds", "--role", "admin", "--password", "a long password"
    )
    assert out == "ada\n"
    assert User.objects.get().check_password("a long password")


def test_a_weak_password_is_the_operators_choice_and_gets_a_warning(project):
    arguments = ("--project", "refunds", "--role", "reviewer", "--password")
    assert "Warning" not in run("create_user", "ada", *arguments, "a long password")[1]
    out, err = run("create_user", "eve", *arguments, "abc")
    assert out == "eve\n" and "too short" in err
    assert User.objects.get(username="eve").check_password("abc")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ada", "--project", "nope", "--role", "admin"), "no project 'nope' .*refunds"),
        (("ada", "--project", "refunds", "--role", "boss"), "invalid choice"),
        (("a b", "--project", "refunds", "--role", "lead"), "valid username"),
    ],
)
def test_a_refused_user_is_explained_and_nothing_is_made(project, arguments, words):
    with pytest.raises(CommandError, match=words):
        run("create_user", *arguments)
    assert not User.objects.exists()


def test_a_token_stands_on_stdout_alone(project):
    out, err = run(
        "create_token", "refunds", "ci", "--scope", "runs:write", "--scope", "golden:read",
        "--branch", "main", "--expires", "30",
    )  # fmt: skip
    found = FORMAT.fullmatch(out.strip())
    assert found and out.strip() not in err
    caller = authenticate(Credential(*found.groups()))
    assert caller.token.scopes == ["golden:read", "runs:write"]
    assert caller.token.branches == ["main"] and caller.token.expires_at


def test_a_token_can_be_trusted_for_reviews(project):
    run("create_token", "refunds", "bridge", "--scope", "impersonate", "--trusted-for-reviews")
    assert ApiToken.objects.get().trusted_for_reviews


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nope", "ci", "--scope", "ingest"), "no project"),
        (("refunds", "ci", "--scope", "everything"), "invalid choice.*ingest"),
        (("refunds", "ci"), "--scope"),
        (("refunds", "ci", "--scope", "ingest", "--branch", "main"), "runs:write"),
        (("refunds", "ci", "--scope", "ingest", "--expires", "0"), "1 to 3650"),
        (("refunds", "ci", "--scope", "ingest", "--trusted-for-reviews"), "impersonate"),
    ],
)
def test_a_refused_token_is_explained(project, arguments, words):
    with pytest.raises(CommandError, match=words):
        run("create_token", *arguments)
    assert not ApiToken.objects.exists()

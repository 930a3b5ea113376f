"""Admins add, change and remove members; nobody else does, and one admin always stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from reviewapp import members
from reviewapp.members import AlreadyMember, LastAdmin
from reviewapp.models import Membership, Role, User
from tests.conftest import person

PAGE = "/projects/refunds/members"


def membership_of(who):
    return Membership.objects.get(user=who.user)


def test_a_new_account_gets_a_password_that_is_shown_once(owner, client):
    page = owner.client.post(PAGE, {"username": "nora", "role": "reviewer"})
    password = page.context["joined"].password
    assert len(password.replace("-", "")) == 16
    assert password in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert password not in owner.client.get(PAGE).content.decode()
    assert client.login(username="nora", password=password)
    assert membership_of_name("nora").role == Role.REVIEWER


def membership_of_name(username):
    return Membership.objects.get(user__username=username)


def test_an_existing_account_keeps_its_password(owner, stranger, project):
    page = owner.client.post(PAGE, {"username": "sam", "role": "lead"})
    assert page.context["joined"].password == ""
    assert User.objects.get(username="sam").check_password("correct horse battery staple")
    assert Membership.objects.get(user=stranger.user, project=project).role == Role.LEAD


@pytest.mark.parametrize(
    ("username", "role", "words"),
    [
        ("rita", "lead", "is already a member"),
        ("bad name", "lead", "Enter a valid username"),
        ("", "lead", "required"),
        ("nora", "owner", "Select a valid choice"),
        ("x" * 151, "lead", "at most 150"),
    ],
)
def test_what_cannot_be_added_is_refused_with_a_reason(owner, reviewer, username, role, words):
    page = owner.client.post(PAGE, {"username": username, "role": role})
    assert page.status_code == 422
    assert words in page.content.decode()
    assert Membership.objects.count() == 2


def test_a_role_is_changed(owner, reviewer):
    response = owner.client.post(f"{PAGE}/{membership_of(reviewer).pk}/role", {"role": "lead"})
    assert response.status_code == 302
    assert membership_of(reviewer).role == Role.LEAD


def test_an_unknown_role_changes_nothing(owner, reviewer):
    owner.client.post(f"{PAGE}/{membership_of(reviewer).pk}/role", {"role": "owner"})
    assert membership_of(reviewer).role == Role.REVIEWER


def test_a_member_is_removed_and_then_a_stranger(owner, reviewer):
    owner.client.post(f"{PAGE}/{membership_of(reviewer).pk}/remove")
    assert not Membership.objects.filter(user=reviewer.user).exists()
    assert reviewer.client.get("/projects/refunds/traces").status_code == 404


@pytest.mark.parametrize("action", ["remove", "role"])
def test_the_last_admin_stays(owner, lead, action):
    page = owner.client.post(f"{PAGE}/{membership_of(owner).pk}/{action}", {"role": "lead"}, follow=True)
    assert "needs an admin" in page.content.decode()
    assert membership_of(owner).role == Role.ADMIN


def test_an_admin_may_go_when_another_stays(owner, project):
    person("ben", project, Role.ADMIN)
    response = owner.client.post(f"{PAGE}/{membership_of(owner).pk}/remove")
    assert response.url == "/"
    assert not Membership.objects.filter(user=owner.user).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_leave_at_once_one_stays(project):
    both = [person(name, project, Role.ADMIN) for name in ("ada", "ben")]
    memberships = [membership_of(who) for who in both]

    def leave(membership):
        try:
            members.remove(membership)
        except LastAdmin:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(leave, memberships))
    assert sorted(left) == [False, True]
    assert Membership.objects.filter(role=Role.ADMIN).count() == 1


def test_a_membership_of_another_project_is_out_of_reach(owner, stranger):
    theirs = membership_of(stranger)
    assert owner.client.post(f"{PAGE}/{theirs.pk}/remove").status_code == 404
    assert owner.client.post(f"{PAGE}/{theirs.pk}/role", {"role": "reviewer"}).status_code == 404
    assert membership_of(stranger).role == Role.ADMIN


def test_a_get_removes_nobody(owner, reviewer):
    assert owner.client.get(f"{PAGE}/{membership_of(reviewer).pk}/remove").status_code == 405


def test_search_looks_at_names_and_addresses(owner, reviewer, lead):
    reviewer.user.first_name = "Margarita"
    reviewer.user.save()
    page = owner.client.get(PAGE, {"q": "marg rit"}).content.decode()
    assert "Margarita" in page and ">leo<" not in page
    nobody = owner.client.get(PAGE, {"q": '<b>"\0'}).content.decode()
    assert "Nobody matches" in nobody and "<b>&quot;" not in nobody.split("search")[1]


def test_the_list_asks_the_same_number_of_questions_for_many(owner, project, django_assert_max_num_queries):
    for number in range(60):
        user = User.objects.create_user(username=f"user{number}")
        Membership.objects.create(project=project, user=user, role=Role.REVIEWER)
    with django_assert_max_num_queries(8):
        page = owner.client.get(PAGE)
    assert page.context["page"].paginator.num_pages == 2


def test_generated_passwords_differ_and_pass_the_validators(project):
    first, second = (members.add(project, name, Role.REVIEWER).password for name in ("one", "two"))
    assert first != second


def test_ensure_brings_an_account_to_the_state_named(project, reviewer, owner):
    again = members.ensure(project, "rita", Role.LEAD)
    assert (again.is_new_account, again.password, membership_of(reviewer).role) == (False, "", Role.LEAD)
    members.ensure(project, "rita", Role.LEAD, "another long password")
    reviewer.user.refresh_from_db()
    assert reviewer.user.check_password("another long password")


def test_what_makes_a_password_weak_is_said(reviewer):
    assert any("too short" in reason for reason in members.weaknesses(reviewer.user, "rita"))
    assert not members.weaknesses(reviewer.user, members.new_password())


def test_adding_twice_is_refused(project, reviewer):
    with pytest.raises(AlreadyMember):
        members.add(project, "rita", Role.LEAD)

"""How people come into a project, change their role and leave. A project never loses its last admin."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string

from ingest.models import Project
from reviewapp.models import Membership, Role, User
from reviewapp.review import queues

# Letters and digits that are not mistaken for one another; 16 of them carry 79 bits.
PASSWORD_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # noqa: S105


class LastAdmin(Exception):
    """The project would have no admin left."""


class AddressTaken(Exception):
    """Another account has this e-mail address."""


class AlreadyMember(Exception):
    """The person is a member already, so there is nothing to add."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A new membership; `password` only when the account is new and its password was generated."""

    membership: Membership
    is_new_account: bool
    password: str = ""


def new_password() -> str:
    letters = get_random_string(16, PASSWORD_LETTERS)
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


@transaction.atomic
def add(project: Project, username: str, role: Role) -> Joined:
    """Make someone a member, with a new account if there is none of this name."""
    user, password = find_or_make_user(username)
    try:
        with transaction.atomic():
            membership = Membership.objects.create(project=project, user=user, role=role)
    except IntegrityError as error:
        raise AlreadyMember(f"{user} is already a member.") from error
    return Joined(membership, bool(password), password)


@transaction.atomic
def ensure(project: Project, username: str, role: Role, password: str = "") -> Joined:
    """Account, membership and role as named, whatever was there; a password given replaces the old one."""
    user, generated = find_or_make_user(username, password)
    if password and not generated:
        set_password(user, password)
    membership, is_new = Membership.objects.get_or_create(project=project, user=user, defaults={"role": role})
    if not is_new and membership.role != role:
        change_role(membership, role)
    return Joined(membership, bool(generated), "" if password else generated)


def find_or_make_user(username: str, password: str = "") -> tuple[User, str]:
    """The user, and the password of the account if it was made just now."""
    user = User.objects.filter(username=username).first()
    if user is not None:
        return user, ""
    User.username_validator(username)
    user = User(username=username)
    chosen = password or new_password()
    set_password(user, chosen)
    return user, chosen


def set_password(user: User, password: str) -> None:
    """Any password: only the operator of the server chooses one for others. See `weaknesses`."""
    user.set_password(password)
    user.save()


def weaknesses(user: User, password: str) -> list[str]:
    """Why people themselves may not choose this password."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return list(error.messages)
    return []


@transaction.atomic
def set_address(user: User, email: str) -> None:
    """Give the account the address by which sign-on finds it. For the operator of the server alone."""
    validate_email(email)
    if User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists():
        raise AddressTaken(f"Another account already has the address {email}.")
    user.email = email.lower()
    user.save(update_fields=["email"])


@transaction.atomic
def change_role(membership: Membership, role: Role) -> None:
    if role != Role.ADMIN:
        keep_an_admin(membership)
    membership.role = role
    membership.save(update_fields=["role"])


@transaction.atomic
def remove(membership: Membership) -> None:
    keep_an_admin(membership)
    queues.leave(membership)
    membership.delete()


def keep_an_admin(leaving: Membership) -> None:
    """Refuse if no other admin is left. The project's row is locked, so that two cannot leave at once."""
    Project.objects.select_for_update(no_key=True).get(pk=leaving.project_id)
    others = Membership.objects.filter(project=leaving.project_id, role=Role.ADMIN).exclude(pk=leaving.pk)
    if Membership.objects.filter(pk=leaving.pk, role=Role.ADMIN).exists() and not others.exists():
        raise LastAdmin("A project needs an admin. Make someone else an admin first.")

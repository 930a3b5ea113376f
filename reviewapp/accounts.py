"""Who may have an account? Nobody signs up: accounts are made by admins, and sign-on finds them by e-mail."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest

from reviewapp.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Who signs in on a page that stays goes on there; the page after it has nothing to say of that."""
        if "X-In-Place" not in request.headers:
            super().add_message(request, *args, **kwargs)


class SignInForm(LoginForm):
    """One can type at once: the page is for nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs["autofocus"] = True


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:
        return False

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Only where the address is one account's alone: nobody is led into another's."""
        owners = User.objects.filter(email__iexact=email)[:2]
        return bool(super().can_authenticate_by_email(login, email)) and len(owners) == 1

"""Who may have an account? Nobody signs up: accounts are made by admins, and sign-on finds them by e-mail."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest

from reviewapp.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool:
        return False

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Only where the address is one account's alone: nobody is led into another's."""
        owners = User.objects.filter(email__iexact=email)[:2]
        return bool(super().can_authenticate_by_email(login, email)) and len(owners) == 1

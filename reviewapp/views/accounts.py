"""The addresses of signing in: which of allauth's views exist here, and who may call each.

Listed one by one, so that a new version of allauth adds no address by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect import views as openid
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from requests import RequestException

from ingest.access import public
from reviewapp.access import session

P = ParamSpec("P")
logger = logging.getLogger(__name__)
signed_in = session()


def at_provider(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """A provider that cannot be reached, or answers nonsense, leads to the page of a failed sign-on."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except (RequestException, OAuth2Error):
            logger.warning("The identity provider failed.", exc_info=True)
            return redirect("socialaccount_login_error")

    return public(guarded)


urlpatterns = [
    path("login/", public(account.login), name="account_login"),
    path("logout/", public(account.logout), name="account_logout"),
    path("inactive/", public(account.account_inactive), name="account_inactive"),
    path("signup/", public(account.signup), name="account_signup"),
    path("reauthenticate/", signed_in(account.reauthenticate), name="account_reauthenticate"),
    path("password/change/", signed_in(account.password_change), name="account_change_password"),
    path("password/set/", signed_in(account.password_set), name="account_set_password"),
    path("2fa/", signed_in(mfa.index), name="mfa_index"),
    # The second step of signing in: the first one has been done, the session is not open yet.
    path("2fa/authenticate/", public(mfa.authenticate), name="mfa_authenticate"),
    path("2fa/reauthenticate/", signed_in(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("2fa/app/", signed_in(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/app/off/", signed_in(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/codes/", signed_in(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "2fa/codes/new/",
        signed_in(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "2fa/codes/download/",
        signed_in(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
    path("sso/cancelled/", public(social.login_cancelled), name="socialaccount_login_cancelled"),
    path("sso/error/", public(social.login_error), name="socialaccount_login_error"),
    path("sso/signup/", public(social.signup), name="socialaccount_signup"),
    path("sso/connections/", signed_in(social.connections), name="socialaccount_connections"),
    path("sso/<slug:provider_id>/login/", at_provider(openid.login), name="openid_connect_login"),
    path("sso/<slug:provider_id>/callback/", at_provider(openid.callback), name="openid_connect_callback"),
]

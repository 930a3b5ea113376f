"""One's own account: name, e-mail, theme; password and two-factor pages are allauth's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from reviewapp.access import SignedInRequest, session
from reviewapp.forms import AccountForm

THEMES = ("", "light", "dark")


@session()
def account(request: SignedInRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("account")
    return render(request, "account/account.html", {"form": form})


@session()
@require_safe
@never_cache
@ensure_csrf_cookie
def signed_in(request: SignedInRequest) -> HttpResponse:
    """Nothing, to whoever may send a form: a page that holds typed text asks before it is left."""
    return HttpResponse(status=204)


@session()
@require_POST
def theme(request: SignedInRequest) -> HttpResponse:
    """Remember the theme: nothing follows the system. Back to where the person was."""
    chosen = request.POST.get("theme", "")
    if chosen not in THEMES:
        return HttpResponseBadRequest("Unknown theme.")
    request.user.preferences["theme"] = chosen
    request.user.save(update_fields=["preferences"])
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, request.get_host()) else "account")

"""What surrounds a page: icons, the navigation of a project, and small words about people."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reviewapp.models import Membership, User
from reviewapp.navigation import groups_for

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of static/img/icons.svg; without a label it says nothing that the words beside it don't."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><title>{}</title><use href="{}"/></svg>',
            label,
            label,
            _icon_address(name),
        )
    return _bare_icon(name)


# A page has fifty of them, of a dozen kinds.
@cache
def _bare_icon(name: str) -> SafeString:
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', _icon_address(name))


@cache
def _icon_address(name: str) -> str:
    return f"{static('img/icons.svg')}#{name}"


@register.filter
def initials(name: object) -> str:
    words = str(name).replace(".", " ").replace("_", " ").replace("-", " ").split()
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[:2] for word in words]
    return "".join(letters)


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> dict[str, Any]:
    """The links of the project at hand, for what this member may do, and the projects to switch to."""
    request = context["request"]
    membership: Membership | None = getattr(request, "membership", None)
    user: User = request.user
    return {
        "project": membership.project if membership else None,
        "groups": groups_for(membership, request.path) if membership else [],
        "memberships": list(user.memberships.select_related("project").order_by("project__name")),
    }


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """The theme this person chose: light, dark, or nothing to follow the system."""
    user = getattr(context.get("request"), "user", None)
    return str(user.preferences.get("theme", "")) if isinstance(user, User) else ""


@register.simple_tag
def single_sign_on() -> str:
    """The name of the identity provider people may also sign in with; empty when there is none."""
    return str(settings.OIDC_NAME)


@register.simple_tag(takes_context=True)
def sign_on_url(context: dict[str, Any]) -> str:
    """The way to the identity provider and then to the page that was asked for."""
    wanted = context["request"].GET.get("next", "")
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return reverse("openid_connect_login", args=[settings.OIDC_APP["provider_id"]]) + query

"""Which view answers which method of an address? Each has its own scopes; HEAD and OPTIONS follow HTTP."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from ingest.access import Access, declaration_of, declare

View = Callable[..., HttpResponseBase]


def methods(**views: View) -> View:
    """`methods(GET=read, POST=write)` of views behind `@token`; GET answers HEAD too."""
    if "GET" in views:
        views["HEAD"] = views["GET"]
    allowed = sorted(views)

    @csrf_exempt
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join([*allowed, "OPTIONS"])})
        view = views.get(str(request.method))
        return view(request, *args, **kwargs) if view else HttpResponseNotAllowed(allowed)

    declared: dict[str, Access] = {}
    for name, view in views.items():
        access = declaration_of(view)
        if not isinstance(access, Access):
            raise TypeError(f"The view for {name} does not say who may call it.")
        declared[name] = access
    return declare(answered, declared)

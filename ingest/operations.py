"""How is an operation of the native API carried out? Its guard, then its view; an exception is answered.

django-ninja, which lists and documents the operations, would at each request look whether the guard is
asynchronous, read the arguments by a schema and make a response of its own. Guards here are TokenAuth,
arguments come from the address in the types of its converters, and views make their responses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.operation import Operation

from ingest.tokens import token_auth

View = Callable[..., HttpResponseBase]


def directly(run: View) -> View:
    """In place of `run`, the method of an operation whose guard and arguments are of that kind."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]
    guard, view, api = token_auth(operation), operation.view_func, operation.api
    if guard is None or not takes_the_address_alone(operation):
        return run

    def carried_out(request: HttpRequest, **named: Any) -> HttpResponseBase:
        try:
            guard(request)
            response: HttpResponseBase = view(request, **named)
        except Exception as error:
            return api.on_exception(request, error)
        return response

    return carried_out


def takes_the_address_alone(operation: Operation) -> bool:
    return all(model.__ninja_param_source__ == "path" for model in operation.models)

"""Who may call a view? Every view says so in one attribute; a view that does not is never served.

The declaration is data, so that a test can walk all routes and compare it with what really happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.http.response import HttpResponseBase

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class Door(Enum):
    PUBLIC = "public"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105  (the name of a door)


@dataclass(frozen=True, slots=True)
class Access:
    """`role`: the least role in the project of the address, or empty for anyone who is signed in.
    `scopes`: a token needs any one of them."""

    door: Door
    role: str = ""
    scopes: tuple[str, ...] = ()


PUBLIC = Access(Door.PUBLIC)

# One declaration for all methods of a view, or one for each method.
Declaration = Access | Mapping[str, Access]


def declare(view: Callable[P, R], declaration: Declaration) -> Callable[P, R]:
    view.access = declaration  # type: ignore[attr-defined]
    return view


def declaration_of(view: Callable[..., Any]) -> Declaration | None:
    return getattr(view, "access", None)


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Anyone may call this, signed in or not."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        return view(*args, **kwargs)

    return declare(guarded, PUBLIC)

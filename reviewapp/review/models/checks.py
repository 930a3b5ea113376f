"""What a row may hold, in as few words as PostgreSQL can read.

It reads a table's checks anew for each statement that writes to it, and the tables that these are for are
written at each claim and label: there the length of a check costs more than what it compares. A pattern is
shorter than a list, several columns in one pattern shorter than one for each, and a CASE names its condition
once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.db.models import BooleanField, Case, CheckConstraint, F, Func, Q, TextField, Value, When
from django.db.models.lookups import Exact, Regex

SEPARATOR = "/"


def any_of(words: Sequence[str]) -> str:
    """A pattern for `reads`."""
    return f"({'|'.join(re.escape(word) for word in words)})"


def is_one_of(field: str, words: Sequence[str], name: str) -> CheckConstraint:
    return CheckConstraint(condition=Q(**{f"{field}__regex": f"^{any_of(words)}$"}), name=name)


def reads(fields: Sequence[str], pattern: str, name: str) -> CheckConstraint:
    """The texts of the columns, with a "/" between each two, match the whole pattern."""
    text = Func(Value(SEPARATOR), *map(F, fields), function="concat_ws", output_field=TextField())
    return CheckConstraint(condition=Regex(text, f"^({pattern})$"), name=name)


def where(condition: Q, holds: Q, *, otherwise: Q, name: str) -> CheckConstraint:
    """`holds` holds where the condition does, and `otherwise` where it does not."""
    either = Case(When(condition, then=holds), default=otherwise, output_field=BooleanField())
    return CheckConstraint(condition=either, name=name)


def says_which(field: str, words: Mapping[str, Q], *, otherwise: str = "", name: str) -> CheckConstraint:
    """The column holds the first word whose condition holds, or `otherwise`."""
    cases = [When(holds, then=Value(word)) for word, holds in words.items()]
    return CheckConstraint(condition=Exact(F(field), Case(*cases, default=Value(otherwise))), name=name)

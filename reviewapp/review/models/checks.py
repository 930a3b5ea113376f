"""What a row may hold, in as few words as PostgreSQL can read.

It reads a table's checks anew for each statement that writes to it, and the tables that these are for are
written at each claim and label: there the length of a check costs more than what it compares.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db.models import CheckConstraint, Q


def is_one_of(field: str, values: Sequence[str], name: str) -> CheckConstraint:
    """The text is one of these. A list of them is three times as long for PostgreSQL as a pattern."""
    pattern = "|".join(re.escape(value) for value in values)
    return CheckConstraint(condition=Q(**{f"{field}__regex": f"^({pattern})$"}), name=name)


def says_one_thing(nothing: Q, name: str) -> CheckConstraint:
    """Either a verdict or a preference; neither of them where `nothing` holds, and there alone."""
    neither = Q(verdict="", preference="")
    return CheckConstraint(
        condition=(Q(verdict="") | Q(preference="")) & ((nothing & neither) | ~(nothing | neither)),
        name=name,
    )

"""What the worker does for the order of waiting items."""

from __future__ import annotations

from evaluation.ranking import alike, refit


def learn() -> int:
    return refit.refit_due() + refit.rank_waiting()


def group() -> int:
    """What says all but the same stands together, and not all of it at the top."""
    return alike.group_waiting() + alike.spread_out()

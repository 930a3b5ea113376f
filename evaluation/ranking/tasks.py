"""What the worker does for the learned order."""

from __future__ import annotations

from evaluation.ranking import refit


def learn() -> int:
    return refit.refit_due() + refit.rank_waiting()

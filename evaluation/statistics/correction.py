"""What is the failure rate of production, once the judge's errors are known? PPI++ and Rogan-Gladen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import z_of
from evaluation.statistics.weighted import Row, means, share, spread
from ingest.intervals import wilson

LEAST_LABELS, LEAST_EACH = 200, 10
LEAST_YOUDEN = 0.5


@dataclass(frozen=True, slots=True)
class Corrected:
    """The corrected rate, 0 to 1. `power` (lambda, 0 to 1) says how far the judge was used; `labels_only_se`
    is the standard error of the labels alone."""

    figure: Figure
    power: float
    se: float
    labels_only_se: float
    reason: str = ""


def ppi(labelled: Sequence[Row], judged: Sequence[Row]) -> Corrected:
    """PPI++ (Angelopoulos, Duchi and Zrnic 2023): the labels' rate, made more precise by the judge's
    verdicts.

    `labelled` rows hold the human's verdict as value and the judge's as other (failure 1); `judged` rows the
    judge's verdict as value. This always computes; `shown` decides whether to show it.
    """
    s_l, s_u = spread(labelled), spread(judged).values
    human, judge_l = means(labelled)
    judge_u = means(judged)[0]
    scale = s_u + s_l.others
    power = min(1.0, max(0.0, s_l.between / scale)) if scale else 0.0
    value = power * judge_u + human - power * judge_l
    rest = [Row(row.value - power * row.other, row.weight, row.count) for row in labelled]
    variance = power**2 * s_u + spread(rest).values
    n = sum(row.count for row in labelled) + sum(row.count for row in judged)
    if 0 < value < 1 and variance > 0:
        low, high = wilson(value, value * (1 - value) / variance)
        figure = Figure(value, low, high, n)
    else:
        figure = unknown("the corrected rate is outside 0 to 1", n)
    return Corrected(figure, power, math.sqrt(variance), math.sqrt(s_l.values))


def shown(labelled: Sequence[Row], judged: Sequence[Row]) -> Corrected:
    """The corrected rate if there are enough labels for it, otherwise the labels' own rate and the reason."""
    labels = share(labelled)
    fails = sum(row.count for row in labelled if row.value)
    reason = _too_few(labels.figure.n, fails, sum(row.count for row in judged))
    if not reason:
        corrected = ppi(labelled, judged)
        if corrected.figure.is_known:
            return corrected
        reason = corrected.figure.why_null or ""
    return Corrected(labels.figure, 0.0, labels.se, labels.se, f"labels only: {reason}")


def _too_few(labels: int, fails: int, judged: int) -> str:
    for have, least, what in (
        (labels, LEAST_LABELS, "audit labels"),
        (fails, LEAST_EACH, "labelled failures"),
        (labels - fails, LEAST_EACH, "labelled passes"),
        (judged, 1, "judged traces without a label"),
    ):
        if have < least:
            return f"{have} {what}, {least} needed"
    return ""


@dataclass(frozen=True, slots=True)
class RoganGladen:
    """The classic correction, and the adjusted one whose interval is shown."""

    classic: float
    adjusted: Figure


def rogan_gladen(
    judged_rate: float, judged: float, tpr: float, failures: float, tnr: float, passes: float
) -> RoganGladen:
    """The true rate behind a judged rate (Rogan and Gladen 1978), with the interval of Lang and Reiczigel
    (2014).

    Rates are 0 to 1; `judged`, `failures` and `passes` are numbers of traces and may be effective sample
    sizes. Undefined for a judge no better than chance (TPR + TNR <= 1).
    """
    n = round(failures + passes)
    youden = tpr + tnr - 1
    if youden <= 0:
        return RoganGladen(math.nan, unknown("the judge is no better than chance", n))
    z = z_of()
    square = z * z
    p, big = (judged * judged_rate + square / 2) / (judged + square), judged + square
    t1, n1 = (failures * tpr + 1) / (failures + 2), failures + 2
    t0, n0 = (passes * tnr + 1) / (passes + 2), passes + 2
    j = t1 + t0 - 1
    if j <= 0:
        return RoganGladen(math.nan, unknown("the judge is no better than chance", n))
    rate = (p + t0 - 1) / j
    v1, v0 = t1 * (1 - t1) / n1, t0 * (1 - t0) / n0
    shift = 2 * square * (rate * v1 - (1 - rate) * v0)
    half = z * math.sqrt(p * (1 - p) / big + rate**2 * v1 + (1 - rate) ** 2 * v0) / j
    low, high = (min(1.0, max(0.0, rate + shift + side)) for side in (-half, half))
    return RoganGladen(
        (judged_rate + tnr - 1) / youden, Figure(min(1.0, max(0.0, rate)), low, high, round(judged))
    )


def rogan_gladen_shown(judged: Sequence[Row], failures: Sequence[Row], passes: Sequence[Row]) -> Figure:
    """The adjusted rate, or why it is not shown. `judged` is as in `ppi`; `failures` and `passes` are
    labelled rows with value 1 where the judge was right."""
    if not judged:
        return unknown("no judged traces outside the audit sample")
    if not failures or not passes:
        return unknown("no labelled failures" if not failures else "no labelled passes")
    rate, tpr, tnr = share(judged), share(failures), share(passes)
    known = rate.figure.value, tpr.figure.value, tnr.figure.value
    if (known[1] or 0) + (known[2] or 0) - 1 <= LEAST_YOUDEN:
        return unknown("TPR + TNR - 1 is not above .5", rate.figure.n)
    return rogan_gladen(
        known[0] or 0.0, rate.n_eff, known[1] or 0.0, tpr.n_eff, known[2] or 0.0, tnr.n_eff
    ).adjusted

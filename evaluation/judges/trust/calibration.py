"""Is the judge still right, and how bad is production really? The figures of a judge version, composed.

They are a pure function of stored labels and judgments; see kept_figures for those that were computed before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from evaluation.judges.against_people import (
    behind,
    beside,
    breakdowns,
    comparison,
    probes,
    rates,
    recalibrated,
    steadiness,
)
from evaluation.judges.against_people.comparison import Comparison
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.judgments import answered
from evaluation.judges.making import versions
from evaluation.judges.models import Certificate, Judge, JudgeVersion, Stage
from evaluation.judges.stability import drift, rounds
from evaluation.statistics import certification, correction, measures, scores
from evaluation.statistics.figure import Figure, unknown
from evaluation.statistics.intervals import share as plain_share
from evaluation.statistics.measures import Measures
from evaluation.statistics.people import Concord, concord
from evaluation.statistics.recalibration import recalibration
from evaluation.statistics.watching import LEAST_BASELINE
from evaluation.statistics.weighted import Row, share
from ingest.json_objects import Json

# Figures of Measures that the API tells by their own names.
MEASURED = (
    "agreement", "kappa", "ac1", "pabak", "tpr", "tnr", "precision", "f1", "mcc", "base_rate", "judged_rate",
)  # fmt: skip
WINDOWS = {"7d": 7, "28d": 28, "90d": 90, "all": 0}


class UnknownWindow(ValueError):
    """A window is a number of days, such as 28d, or all."""


def since(window: str) -> datetime | None:
    """The first moment of a window of whole days. Raises UnknownWindow."""
    if window in ("", "all"):
        return None
    number = window.removesuffix("d")
    if not (number.isascii() and number.isdecimal() and 0 < int(number[:6]) <= 3650 and len(number) < 5):
        raise UnknownWindow("must be a number of days such as 28d, or all")
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=int(number))


def compute(scope: Scope, *, is_large: bool = False) -> Json:
    """Everything, from the rows: what the API tells, what the page shows beside it, and the first traces of
    each list, so many of them that pages of a large scope need not be counted out for each reader."""
    own = probes.family_of(scope.version)
    with comparison.laid_out(scope) as (cursor, sampling):
        pairs = comparison.gather(cursor, scope, sampling)
        probed = probes.listed(cursor, probes.MOST)
        daily = comparison.daily(cursor)
        routes = comparison.daily_by_route(cursor, LEAST_BASELINE)
        moving = drift.compute(cursor, sampling, scope.version)
        compared = beside.compute(cursor, scope.version)
        listed = behind.kept(cursor, own, probed, is_large=is_large)
    cells = [cell for _, cell in pairs.cells]
    found = measures.measure(cells)
    finding = assess(scope.version, pairs, found)
    bins = scores.reliability(pairs.scored)
    mended = recalibration(pairs.folded)
    told = probes.tell(scope.version, probed) | {"recalibration": recalibrated.tell(mended, bins)}
    told["rate_change"] = None if sampling == "unknown" else rates.change(pairs.cells)
    return {
        "api": _api(identity(scope.version) | told, pairs, found, finding),
        "page": {
            "finding": {**asdict(finding), "state": finding.state.value},
            "sampling": pairs.sampling,
            "reliability": recalibrated.bins(bins),
            "curves": recalibrated.curves(mended),
            "beside": compared,
            "probed": {name: len(behind.of_probe(name, own, probed)) for name in behind.PROBES},
            "what_if": breakdowns.what_if(pairs.scored),
            "changes": breakdowns.changes(pairs.cells),
            "average_precision": _scored(pairs, scores.average_precision).as_dict(),
            "raw": share([row for _, row in pairs.judged], "no judge sample").figure.as_dict(),
            "correction_reason": breakdowns.corrected(pairs.cells, pairs.judged).reason,
            "equal_n": breakdowns.equal_n(pairs.cells),
            "always": breakdowns.always(pairs.cells),
            "labels_only": found.base_rate.as_dict(),
            "recent": breakdowns.recent(pairs.cells).as_dict(),
            "system": moving,
            "steadiness": steadiness.weekly(daily),
            "daily": [[day.isoformat(), failed, n] for day, failed, n in daily],
            "daily_routes": [[route, day.isoformat(), failed, n] for route, day, failed, n in routes],
        },
        "listed": listed,
    }


def nothing(judge: Judge) -> Json:
    """The same keys for a judge that has no version yet."""
    none = Comparison("audit")
    found = measures.measure([])
    blank = certification.assess(found.agreement, found.tpr, found.tnr)
    named: Json = {"name": judge.name, "version": None, "criterion": judge.criterion, "drift": None}
    named |= {"validation": None, "recalibration": recalibrated.tell(recalibration(()), ())}
    named["rate_change"] = None
    return _api(named, none, found, blank)


def _api(identified: Json, pairs: Comparison, found: Measures, finding: certification.Finding) -> Json:
    people = among_people(pairs.units)
    return {
        "judge": identified | {"sampling": pairs.sampling, "strata": breakdowns.strata(pairs)},
        "state": finding.state.value,
        "n": pairs.n,
        "excluded": dict(pairs.excluded),
        "confusion": asdict(found.confusion),
        **{name: getattr(found, name).as_dict() for name in MEASURED},
        "auc": _scored(pairs, scores.auc).as_dict(),
        "brier": _scored(pairs, scores.brier).as_dict(),
        "corrected": {
            "ppi": _ppi(pairs).as_dict(),
            "rogan_gladen": _rogan_gladen(pairs).as_dict(),
        },
        "human_human": {
            "alpha": people.alpha.as_dict(),
            "kappa": people.kappa.as_dict(),
            "agreement": people.agreement.as_dict(),
        },
        "over_time": breakdowns.over_time(pairs),
        "slices": rates.beside(breakdowns.slices(pairs), pairs),
        "invalid": _invalid(pairs),
    }


def _invalid(pairs: Comparison) -> Json:
    count = sum(pairs.invalid.values())
    rate = plain_share(count, pairs.verdicts, "it has judged nothing")
    return {"rate": rate.as_dict(), "count": count, "reasons": dict(pairs.invalid)}


def among_people(units: Mapping[tuple[int, int], int]) -> Concord:
    """What a judge cannot be held above. `units` counts items by (fails, passes) among people's labels."""
    return concord({(0,) * fails + (1,) * passes: many for (fails, passes), many in units.items()}, 2)


def identity(version: JudgeVersion) -> Json:
    """What is pinned, without the prompt's text and any address."""
    judge = version.judge
    return {
        "name": judge.name,
        "version": version.label,
        "number": version.number,
        "stage": version.stage,
        "kind": version.kind,
        "criterion": version.criterion,
        "meaning": version.meaning,
        "model": version.model,
        "prompt_sha256": prompt_hash(version),
        "parameters": version.parameters,
        "parser": version.parser,
        "rubric_version": version.rubric_version.number if version.rubric_version else None,
        "fingerprint": version.fingerprint,
    }


def prompt_hash(version: JudgeVersion) -> str | None:
    return hashlib.sha256(version.prompt.encode()).hexdigest() if version.prompt else None


def assess(version: JudgeVersion, pairs: Comparison, found: Measures) -> certification.Finding:
    stale = staleness(version, found.n, asdict(found.confusion))
    return _finding(found.agreement, found.tpr, found.tnr, pairs.sampling, stale)


def finding_of(figures: Json) -> certification.Finding:
    """What kept figures say by themselves, whether or not something has happened since."""
    agreement, tpr, tnr = (Figure(**figures["api"][name]) for name in ("agreement", "tpr", "tnr"))
    return _finding(agreement, tpr, tnr, figures["page"]["sampling"])


def _finding(
    agreement: Figure, tpr: Figure, tnr: Figure, sampling: str, stale: str = ""
) -> certification.Finding:
    finding = certification.assess(agreement, tpr, tnr, stale)
    if sampling == "unknown" and finding.state is certification.State.TRUSTED:
        reason = "how these traces were chosen is unknown, so they cannot vouch for production"
        return certification.Finding(
            certification.State.CARE, (reason,), finding.more_failures, finding.more_passes
        )
    return finding


def is_of(certificate: Certificate, n: int, confusion: Json) -> bool:
    """Whether a certificate was issued on as many labels, and on no others as far as counts can tell."""
    return bool(certificate.n == n and certificate.figures.get("confusion") == confusion)


def staleness(version: JudgeVersion, n: int | None = None, confusion: Json | None = None) -> str:
    """Why what is known of this version no longer holds, if so. With the pairs of now it is known whether a
    certificate has run out without a new one to renew it."""
    if version.stage == Stage.RETIRED:
        return "; ".join(filter(None, ["this version is retired", answered.staleness(version)]))[:200]
    newest = version.certificates.order_by("-issued_at", "-pk").first()
    if newest and newest.stale_reason:
        return newest.stale_reason
    if newest and newest.has_expired and n is not None and is_of(newest, n, confusion or {}):
        return f"its certificate expired on {newest.expires_at:%Y-%m-%d}, and no label has arrived since"
    if changed := answered.staleness(version) or versions.departed(version) or movement(version):
        return changed
    pinned = version.rubric_version
    if pinned is None:
        return ""
    rubric = (
        pinned.rubric.versions.frozen().filter(criteria__key=version.criterion).order_by("-number").first()
    )
    criterion = rubric.criteria.get(key=version.criterion) if rubric else None
    if rubric and criterion and criterion.meaning != version.meaning:
        return f"the criterion means something else since rubric version {rubric.number}"
    return ""


def movement(version: JudgeVersion) -> str:
    """What its anchors say, since somebody found last that the labels bear it out."""
    approved = (
        version.certificates.exclude(issued_by="").order_by("-issued_at").values_list("issued_at").first()
    )
    return rounds.movement(version, approved[0] if approved else None)


def _scored(pairs: Comparison, figure: Callable[[Sequence[scores.Scored]], Figure]) -> Figure:
    if not pairs.scored:
        return unknown("the judge gives no score" if pairs.n else measures.NO_PAIRS, pairs.n)
    return figure(pairs.scored)


def _ppi(pairs: Comparison) -> Figure:
    """The corrected rate, or null with the reason: what labels alone say stands in base_rate."""
    if pairs.sampling == "unknown":
        return unknown("how these traces were chosen is unknown", pairs.n)
    if not pairs.n:
        return unknown(measures.NO_PAIRS)
    found = breakdowns.corrected(pairs.cells, pairs.judged)
    return unknown(found.reason, pairs.n) if found.reason else found.figure


def _rogan_gladen(pairs: Comparison) -> Figure:
    if pairs.sampling == "unknown":
        return unknown("how these traces were chosen is unknown", pairs.n)
    right = [(cell.human_fails, Row(float(cell.agrees), cell.weight, cell.count)) for _, cell in pairs.cells]
    return correction.rogan_gladen_shown(
        [row for _, row in pairs.judged],
        [row for fails, row in right if fails],
        [row for fails, row in right if not fails],
    )

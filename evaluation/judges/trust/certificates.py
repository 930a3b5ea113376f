"""What does a judge version's certificate say, and does it still hold? A row, which the gate reads."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from evaluation.judges.against_people import comparison
from evaluation.judges.against_people.statements import Scope
from evaluation.judges.models import Certificate, Judge, JudgeVersion
from evaluation.judges.trust import calibration, kept_figures
from evaluation.statistics.certification import State

VALID = timedelta(days=30)
FIGURES = ("agreement", "tpr", "tnr", "kappa", "ac1", "base_rate")


def issue(version: JudgeVersion, by: str = "") -> Certificate:
    """A new certificate from the figures of now: what they say, whatever was taken back before."""
    figures = kept_figures.of(Scope(version))
    api, page = figures["api"], figures["page"]
    now, finding = timezone.now(), calibration.finding_of(figures)
    return Certificate.objects.create(
        version=version,
        state=finding.state.value,
        fingerprint=version.fingerprint,
        criterion=version.criterion,
        meaning=version.meaning,
        labels_sha256=comparison.digest(Scope(version)),
        n=api["n"],
        figures={name: api[name] for name in FIGURES}
        | {"confusion": api["confusion"], "finding": asdict(finding), "sampling": page["sampling"]},
        issued_at=now,
        expires_at=now + VALID,
        issued_by=by,
    )


def newest(version: JudgeVersion) -> Certificate | None:
    """The last one that was issued, whether it still holds or not."""
    return version.certificates.order_by("-issued_at", "-pk").first()


def current(version: JudgeVersion) -> Certificate:
    """The newest certificate; issued anew where there is none, or labels have come since. Without any it
    runs out, since nothing then says that the judge is still what it was."""
    with transaction.atomic():
        Judge.objects.select_for_update(no_key=True).get(pk=version.judge_id)
        last = newest(version)
        if last and (last.stale_reason or _still_says(last, version)):
            return last
        return issue(version)


def _still_says(certificate: Certificate, version: JudgeVersion) -> bool:
    figures = kept_figures.of(Scope(version))["api"]
    return calibration.is_of(certificate, figures["n"], figures["confusion"])


def holds(version: JudgeVersion) -> bool:
    """Whether the gate may rely on this version now."""
    last = newest(version)
    return bool(last and state_of(last) == State.TRUSTED)


def state_of(certificate: Certificate) -> str:
    """Its state, or STALE when it has run out, was taken back, or speaks of another identity."""
    version = certificate.version
    if (
        certificate.stale_reason
        or certificate.has_expired
        or certificate.fingerprint != version.fingerprint
        or certificate.meaning != version.meaning
        or calibration.staleness(version)
    ):
        return State.STALE.value
    return certificate.state


def take_back(version: JudgeVersion, reason: str) -> None:
    """Turn the badge to STALE until a new validation: something pinned has changed, or an alarm rang."""
    last = newest(version) or issue(version)
    Certificate.objects.filter(pk=last.pk, stale_reason="").update(stale_reason=reason[:200])
    kept_figures.forget([version])


def as_dict(certificate: Certificate) -> dict[str, Any]:
    """The certificate as JSON for reading."""
    version = certificate.version
    return {
        "judge": calibration.identity(version),
        "state": state_of(certificate),
        "issued_state": certificate.state,
        "stale_reason": certificate.stale_reason or None,
        "criterion": certificate.criterion,
        "meaning": certificate.meaning,
        "labels_sha256": certificate.labels_sha256,
        "n": certificate.n,
        "figures": certificate.figures,
        "issued_at": certificate.issued_at.isoformat(),
        "expires_at": certificate.expires_at.isoformat(),
        "issued_by": certificate.issued_by or None,
    }

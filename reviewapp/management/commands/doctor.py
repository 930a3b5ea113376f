"""`manage.py doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reviewapp.serving import diagnosis
from reviewapp.serving.diagnosis import Verdict

MARKS = {Verdict.OK: "ok  ", Verdict.WARN: "warn", Verdict.FAIL: "FAIL"}


class Command(BaseCommand):
    help = "Check database, durability, worker, judges, disk and clock; exits 1 when something fails."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        findings = diagnosis.examine()
        for finding in findings:
            self.stdout.write(f"{MARKS[finding.verdict]}  {finding.subject}: {finding.detail}")
            if finding.remedy:
                self.stdout.write(f"      {finding.remedy}")
        if any(finding.verdict is Verdict.FAIL for finding in findings):
            raise SystemExit(1)

"""How often is a dataset downloaded? Counted per process and written now and then; approximate by design."""

from __future__ import annotations

import time
from collections import Counter
from threading import Lock

from django.db.models import F
from django.utils import timezone

from evaluation.golden.models import Download, GoldenDataset

WRITTEN_EVERY = 10.0
_lock = Lock()
_counts: Counter[tuple[int, bool]] = Counter()
_written = 0.0


def count(dataset: GoldenDataset, *, unchanged: bool) -> None:
    global _written
    with _lock:
        _counts[dataset.pk, unchanged] += 1
        now = time.monotonic()
        if now - _written < WRITTEN_EVERY:
            return
        _written = now
        counted = dict(_counts)
        _counts.clear()
    _write(counted)


def _write(counted: dict[tuple[int, bool], int]) -> None:
    today = timezone.now().date()
    alive = set(GoldenDataset.objects.filter(pk__in={pk for pk, _ in counted}).values_list("pk", flat=True))
    Download.objects.bulk_create([Download(dataset_id=pk, day=today) for pk in alive], ignore_conflicts=True)
    for (pk, unchanged), number in counted.items():
        column = "unchanged" if unchanged else "sent"
        Download.objects.filter(dataset_id=pk, day=today).update(**{column: F(column) + number})

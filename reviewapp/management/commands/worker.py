"""`manage.py worker`: the background worker alone, for installations that run the parts by themselves."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from reviewapp.serving import pulse


class Command(BaseCommand):
    help = "Run the background worker until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        pulse.work()

"""Write docs/access.md from the routes that are served."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from reviewapp import route_table


class Command(BaseCommand):
    help = "Write docs/access.md, the table of routes, roles and scopes."

    def handle(self, *args: Any, **options: Any) -> None:
        (settings.BASE_DIR / "docs" / "access.md").write_text(route_table.page())

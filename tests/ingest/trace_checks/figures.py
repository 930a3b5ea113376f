"""Writes the measured precision and recall of the checks: `python -m tests.ingest.trace_checks.figures`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "checks.md"
MODULE = ROOT / "ingest" / "trace_checks" / "measured.py"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def table() -> str:
    """The figures as a Markdown table."""
    from ingest.trace_checks.catalogue import CHECKS
    from tests.ingest.trace_checks.cases import measure

    lines = [
        "| check | score | examples | failing | precision | recall | fails when |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for check in CHECKS.values():
        found = measure(check.name)
        failing = found.found + len(found.missed)
        figures = f"| {found.examples} | {failing} | {found.precision:.2f} | {found.recall:.2f} |"
        lines.append(f"| {check.title} | `{check.score_name}` {figures} {check.finds} |")
    return "\n".join(lines)


def module() -> str:
    """The same figures for the pages."""
    from ingest.trace_checks.catalogue import CHECKS
    from tests.ingest.trace_checks.cases import measure

    rows = []
    for name in CHECKS:
        found = measure(name)
        failing = found.found + len(found.missed)
        shares = f"{found.precision:.3f}, {found.recall:.3f}"
        rows.append(f'    "{name}": Measure({found.examples}, {failing}, {shares}),')
    return _MODULE.format(rows="\n".join(rows))


_MODULE = '''"""How well does each check find what it looks for? Measured by the tests on their examples."""

from __future__ import annotations

from typing import NamedTuple


class Measure(NamedTuple):
    examples: int
    failing: int
    precision: float
    recall: float


MEASURED = {{
{rows}
}}
'''


def with_table(document: str) -> str:
    head, _, rest = document.partition(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    MODULE.write_text(module())
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main()

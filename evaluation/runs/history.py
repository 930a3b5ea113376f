"""How did a dataset's runs go over time: the list, which cases flip, and each case in each run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from evaluation.gate import majority
from evaluation.golden.models import GoldenCase, GoldenDataset
from evaluation.runs.models import CaseResult, CiRun

RUNS_IN_MATRIX = 24
CASES_IN_MATRIX = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """A case in a run: pass, fail, mixed, error, skip, pending, or nothing."""

    state: str
    run: CiRun


@dataclass(frozen=True, slots=True)
class Row:
    case: GoldenCase
    cells: list[Cell]
    failed: int
    flips: int


@dataclass(frozen=True, slots=True)
class Matrix:
    runs: list[CiRun]
    rows: list[Row]
    more: int


def runs_of(project: Any, dataset: str = "", branch: str = "", decision: str = "") -> Any:
    found = CiRun.objects.filter(version__dataset__project=project).select_related("version__dataset")
    if dataset:
        found = found.filter(version__dataset__name=dataset)
    if branch:
        found = found.filter(branch=branch)
    if decision:
        found = found.filter(decision=decision)
    return found.order_by("-created_at", "-pk")


def matrix(dataset: GoldenDataset, branch: str = "") -> Matrix:
    """The cases that ever failed or flipped in the newest runs, worst first; runs from old to new."""
    runs = list(reversed(runs_of(dataset.project, dataset.name, branch)[:RUNS_IN_MATRIX]))
    states: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows = CaseResult.objects.filter(run__in=runs).values_list("case_id", "run_id", "status").distinct()
    for case_pk, run_pk, status in rows:
        states[case_pk][run_pk].add(status)
    interesting = {pk: found for pk, found in states.items() if set().union(*found.values()) != {"pass"}}
    cases = GoldenCase.objects.in_bulk(interesting)
    made = [_row(cases[pk], found, runs) for pk, found in interesting.items()]
    made.sort(key=lambda row: (-row.failed, -row.flips, row.case.case_id))
    return Matrix(runs, made[:CASES_IN_MATRIX], max(0, len(made) - CASES_IN_MATRIX))


def _row(case: GoldenCase, found: dict[int, set[str]], runs: list[CiRun]) -> Row:
    cells = [Cell(_state(found.get(run.pk, set())), run) for run in runs]
    settled = [cell.state for cell in cells if cell.state in ("pass", "fail")]
    flips = sum(one != two for one, two in pairwise(settled))
    return Row(case, cells, sum(cell.state == "fail" for cell in cells), flips)


def _state(statuses: set[str]) -> str:
    if not statuses:
        return ""
    if len(statuses) == 1:
        return next(iter(statuses))
    return "mixed"


def flip_rate(project: Any, dataset: str) -> tuple[float, int] | None:
    """Of unchanged systems: how often the same case ends otherwise in two runs of one commit, and of how
    many such pairs."""
    runs = runs_of(project, dataset).exclude(commit="")[:200]
    by_commit: dict[tuple[int, str], list[CiRun]] = defaultdict(list)
    for run in runs:
        by_commit[run.version_id, run.commit].append(run)
    pairs = [(same[0], same[1]) for same in by_commit.values() if len(same) > 1][:20]
    differ = compared = 0
    for one, two in pairs:
        first, second = (_passed(run) for run in (one, two))
        common = first.keys() & second.keys()
        compared += len(common)
        differ += sum(first[pk] != second[pk] for pk in common)
    return (differ / compared, compared) if compared else None


def _passed(run: CiRun) -> dict[int, bool]:
    trials: dict[int, list[bool]] = defaultdict(list)
    for case_pk, status in run.results.values_list("case_id", "status"):
        trials[case_pk].append(status == "pass")
    return {pk: majority(found) for pk, found in trials.items()}

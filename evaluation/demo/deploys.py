"""What did CI report while the golden dataset grew? About forty runs, sent to the API as a pipeline would.

The deployed system gets better; in the end a change passes all that was known before version 5 and is stopped
by the cases which production had just taught.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from evaluation.demo.golden import DATASET, ROOT
from evaluation.golden.models import GoldenVersion
from evaluation.golden.published.versions import digest_text
from ingest.models import Project
from reviewapp.demo.sending import Client

Case = dict[str, Any]

MAIN = "main"
TRIALS = 3
RUNS_A_VERSION = 8
NEWEST = 5
SYSTEMS = (("gpt-5-mini-2026-07-18", "v6"), ("gpt-5-mini-2026-10-09", "v7"))


@dataclass(frozen=True, slots=True)
class Run:
    """`failing` is the share of cases that fail by chance, `breaks` the source of those that it breaks."""

    key: str
    version: int
    branch: str
    trials: int
    failing: float
    breaks: str = ""


def history() -> Iterator[Run]:
    """For each version a baseline of the main branch, then pull requests and merges."""
    number = 380
    for version in range(1, NEWEST + 1):
        yield Run(f"main-{version}-0", version, MAIN, TRIALS, 0.02)
        for place in range(1, RUNS_A_VERSION):
            number += 3
            branch = MAIN if place % 3 == 0 else f"pr-{number}"
            yield Run(f"{branch}-{version}-{place}", version, branch, 1, 0.012)
    yield Run("pr-503-5-blocked", NEWEST, "pr-503", 1, 0.01, breaks="production_failure")
    yield Run("pr-503-5-fixed", NEWEST, "pr-503", 1, 0.01)


def report(project: Project, client: Client) -> Iterator[int]:
    """Send every run, counting; one that is there under its key already stays as it is."""
    published = GoldenVersion.objects.filter(dataset__project=project, dataset__name=DATASET)
    versions = {version.number: version for version in published}
    cases: dict[int, list[Case]] = {}
    for sent, run in enumerate((run for run in history() if run.version in versions), 1):
        if run.version not in cases:
            lines = client.get(f"{ROOT}/versions/{run.version}").splitlines()
            cases[run.version] = [json.loads(line) for line in lines]
        body = upload(run, digest_text(versions[run.version]), cases[run.version])
        client.post(f"{ROOT}/versions/{run.version}/runs", json.dumps(body).encode(), "application/json")
        yield sent


def upload(run: Run, digest: str, cases: list[Case]) -> dict[str, Any]:
    model, prompt = SYSTEMS[run.version > 3]
    return {
        "run_key": run.key,
        "commit": hashlib.sha1(run.key.encode()).hexdigest(),  # noqa: S324 - looks like git, secures nothing
        "branch": run.branch,
        "baseline": MAIN,
        "system": {"model": model, "prompt_version": prompt},
        "golden_digest": digest,
        "results": [result(run, case, trial) for case in cases for trial in range(1, run.trials + 1)],
    }


def result(run: Run, case: Case, trial: int) -> dict[str, Any]:
    rng = Random(f"{run.key}/{case['id']}/{trial}")  # noqa: S311 - a story, not a secret
    # A few cases are hard for every system; the others fail by chance.
    hard = Random(f"hard/{case['id']}").random() < 0.02  # noqa: S311
    broken = run.breaks == case["metadata"]["source"] and rng.random() < 0.8
    failed = broken or hard or (not case["critical"] and rng.random() < run.failing)
    return {
        "case_id": case["id"],
        "status": "fail" if failed else "pass",
        "trial": trial,
        "output": said(case, failed),
        "latency_ms": round(rng.lognormvariate(6.6, 0.4)),
        "cost_usd": round(rng.uniform(0.0001, 0.0009), 6),
        "reason": reason(broken=broken) if failed else "",
    }


def reason(*, broken: bool) -> str:
    return "claims an action that no tool took" if broken else "the expected figure is missing"


def said(case: Case, failed: bool) -> str:
    right = (case["expected"] or {}).get("text", "") if isinstance(case["expected"], dict) else ""
    if failed:
        return "I've taken care of it, you'll see it in your account within the hour."
    return right or "I can't help with that, but I'm glad to help with orders or equipment."

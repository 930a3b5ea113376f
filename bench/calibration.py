"""How long does the server take for the calibration page over a thousand and over a million labelled traces,
and how long does it take to bring ten thousand that were labelled and judged elsewhere?

The rows are filled by SQL, past triggers and foreign keys, as live traffic would leave them: audit items of
half a year in six strata, each day labelled up to an own cutoff, a share of them twice, and a judge sample.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from urllib.parse import quote

import psycopg

from bench import clients
from bench.figures import Figure, median, percentile
from bench.installation import PASSWORD, USER, Installation, installed
from bench.scale import timed

SIZES = (1_000, 100_000, 1_000_000)
MOST_MS, VIEWS = 300, 40
# Until the worker has computed what nobody has looked at yet.
COMPUTED_SECONDS = 120.0
NAME = "helpful"
IMPORTED, MOST_IMPORT_SECONDS = 10_000, 10

PREPARE = """
from evaluation.judges.making import versions
from evaluation.judges.models import Kind, JudgeVersion
from evaluation.judges.trust import stages
from ingest.models import Project
from reviewapp.review.models import Queue
queue = Queue.objects.select_related("rubric_version").get(project__slug={slug!r}, slug="review")
version = versions.create(queue.project, {name!r}, Kind.RULES, parameters={{"rules": []}},
    rubric_version=queue.rubric_version, criterion="verdict")
JudgeVersion.objects.filter(pk=version.pk).update(stage="live")
from reviewapp.models import User
print(queue.project_id, queue.pk, queue.rubric_version_id, version.pk, User.objects.get(username={user!r}).pk)
"""

# One id for all rows of a trace; `seen` says what is known of it.
SEEN = """
CREATE TEMP TABLE seen AS
SELECT {base} + n AS id, n, n > {pairs} AS only_judged, r, r < 0.05 AS unsure,
    date_trunc('hour', now() - (n %% 180) * interval '1 day' - interval '2 hours') AS at,
    'route ' || (n / 180) %% 6 AS route, 'orion-' || (n / 11) %% 3 AS model,
    'v' || 1 + (n %% 180 < 60)::int AS prompt,
    CASE WHEN n %% 7 = 0 THEN 'session ' || n / 14 ELSE '' END AS session,
    CASE WHEN s < 0.08 THEN 'fail' ELSE 'pass' END AS human,
    CASE WHEN (s < 0.08) = (t < 0.92) THEN 'fail' ELSE 'pass' END AS judge,
    round(((CASE WHEN (s < 0.08) = (t < 0.92) THEN 0.6 ELSE 0 END) + 0.4 * r)::numeric, 4)::float8 AS score,
    CASE WHEN n > {pairs} THEN 0.05 + 0.1 * r ELSE 0.05 * r END AS u,
    r > 0.97 AND t > 0.9 AS waits
FROM (SELECT n, random() r, random() s, random() t FROM generate_series(1, {all}) n) drawn
"""
STEPS = (
    """
    INSERT INTO ingest_trace (id, project_id, trace_id, started_at, stale_since, input, output, route, model,
        prompt_version, session_id)
    SELECT id, {project}, 'trace ' || n, at, NULL, 'Where is parcel ' || n, 'It comes tomorrow.', route,
        model, prompt, session FROM seen
    """,
    """
    INSERT INTO ingest_auditdraw (trace_id, u, stratum, audit, judge, excluded)
    SELECT id, u, route, 0.05, 0.1, false FROM seen
    """,
    """
    INSERT INTO evaluation_judgment (version_id, trace_id, criterion, trial, origin, progress, attempts,
        verdict, score, rationale, reason, input_tokens, output_tokens, cost_usd, finished_at)
    SELECT {version}, id, 'verdict', 1, CASE WHEN only_judged THEN 'sample' ELSE 'audit' END, 'done', 1,
        judge, score, '', '', 0, 0, 0, at FROM seen
    """,
    """
    INSERT INTO reviewapp_reviewitem (id, queue_id, kind, trace_id, subject, round, purpose,
        rubric_version_id, lane, state, required, open_slots, priority, rank, audit_rank, day, u, reasons,
        terms, reserved_for, changed_since_review, adjudication_reason, added_by, removed_by, enqueued_at)
    SELECT id, {queue}, 'trace', id, 'trace:' || id, 1, 'review', {rubric}, 'audit',
        CASE WHEN waits THEN 'open' ELSE 'resolved' END, 1, waits::int, 0, NULL, -u, at::date, u, '[]',
        '{{}}', '{{}}', false, '', '', '', now() FROM seen WHERE NOT only_judged
    """,
    """
    INSERT INTO reviewapp_assignment (id, item_id, reviewer_id, state, display_order, skip_reason,
        submitted_at, current_id, counted_id)
    SELECT id, id, {reviewer}, 'submitted', '', '', at, id, id FROM seen WHERE NOT only_judged AND NOT waits
    """,
    """
    INSERT INTO reviewapp_label (id, assignment_id, reviewer_id, revision, kind, via, impersonated, blind,
        verdict, preference, confidence, failure_modes, note, corrected_output, idempotency_key,
        rubric_version_id)
    SELECT id, id, {reviewer}, 1, 'answer', 'page', false, true, human, '', 'sure', '{{}}', '', '', '',
        {rubric} FROM seen WHERE NOT only_judged AND NOT waits
    """,
    # A second opinion on a fiftieth of them, under ids of their own.
    """
    INSERT INTO reviewapp_assignment (id, item_id, reviewer_id, state, display_order, skip_reason,
        submitted_at, current_id, counted_id)
    SELECT id + {all}, id, {reviewer} + 1000000, 'submitted', '', '', at, id + {all}, id + {all}
    FROM seen WHERE NOT only_judged AND NOT waits AND n %% 50 = 0
    """,
    """
    INSERT INTO reviewapp_label (id, assignment_id, reviewer_id, revision, kind, via, impersonated, blind,
        verdict, preference, confidence, failure_modes, note, corrected_output, idempotency_key,
        rubric_version_id)
    SELECT id + {all}, id + {all}, {reviewer} + 1000000, 1, 'answer', 'page', false, true,
        CASE WHEN unsure THEN 'fail' ELSE human END, '', 'sure', '{{}}', '', '', '', {rubric}
    FROM seen WHERE NOT only_judged AND NOT waits AND n %% 50 = 0
    """,
)
# One more label on the newest item, as a reviewer who changes it.
MORE = """
    INSERT INTO reviewapp_label (assignment_id, reviewer_id, revision, kind, via, impersonated, blind,
        verdict, preference, confidence, failure_modes, note, corrected_output, idempotency_key,
        rubric_version_id)
    SELECT assignment_id, reviewer_id, (extract(epoch FROM clock_timestamp()) * 100)::bigint % 2000000000,
        'amend', via, false, true, verdict, '', 'sure', '{}', '', '', '', rubric_version_id
    FROM reviewapp_label ORDER BY id DESC LIMIT 1
"""
FILLED = (
    "ingest_trace", "ingest_auditdraw", "evaluation_judgment", "reviewapp_reviewitem",
    "reviewapp_assignment", "reviewapp_label",
)  # fmt: skip


def measure(rounds: int) -> list[Figure]:
    with installed() as place:
        figures = [imported(place, rounds)]
        base = 1_000_000
        for size in SIZES:
            slug = f"pairs-{size}"
            fill(place, slug, size, base)
            base += 4 * size
            figures += page_times(place, slug, size)
    return figures


def imported(place: Installation, rounds: int) -> Figure:
    """The command as it is typed, beside the server and its worker; a project of its own each time."""
    times = []
    for number in range(rounds):
        slug, file = f"elsewhere-{number}", place.run / f"labels-{number}.jsonl"
        file.write_text("\n".join(json.dumps(each) for each in labelled_lines()))
        place.server.manage("create_project", slug)
        begun = time.monotonic()
        told = place.server.manage("import_labels", str(file), "--project", slug)
        times.append(time.monotonic() - begun)
        assert f"{IMPORTED} labels and {IMPORTED} verdicts stored, 0 lines refused" in told, told
    note = ", ".join(f"{each:.1f}" for each in times)
    return Figure("import_labels of 10,000 pairs", median(times), "s", "<=", MOST_IMPORT_SECONDS, note)


def labelled_lines() -> Iterator[dict[str, object]]:
    draw = random.Random(5)
    for number in range(IMPORTED):
        human = "fail" if draw.random() < 0.1 else "pass"
        judge = human if draw.random() < 0.9 else "pass" if human == "fail" else "fail"
        yield {
            "id": f"case-{number}",
            "input": f"Where is parcel {number}?",
            "output": "It is on its way and comes tomorrow. " * 5,
            "pi": 0.1,
            "slice": {"route": f"route {number % 6}"},
            "labels": [{"annotator": f"annotator {number % 4}", "verdict": human}],
            "judges": [{"judge": NAME, "version": "v1", "model": "orion-1", "verdict": judge,
                        "score": round(draw.random(), 4)}],
        }  # fmt: skip


def fill(place: Installation, slug: str, pairs: int, base: int) -> None:
    """A project with so many audit items, labelled and judged, and a fifth of that judged only."""
    begun = time.monotonic()
    place.server.manage("create_project", slug)
    place.server.manage("create_user", USER, "--project", slug, "--role", "admin", "--password", PASSWORD)
    said = place.server.manage("shell", "-c", PREPARE.format(slug=slug, name=NAME, user=USER))
    names = ("project", "queue", "rubric", "version", "reviewer")
    known = dict(zip(names, said.splitlines()[-1].split(), strict=True))
    known |= {"base": str(base), "pairs": str(pairs), "all": str(pairs * 6 // 5)}
    with place.database() as connection:
        unguard(connection)
        connection.execute("SET synchronous_commit = off")
        connection.execute("SELECT setseed(0.5)")
        for step in (SEEN, *STEPS):
            connection.execute(step.format(**known).replace("%%", "%"))
        for table in FILLED:
            connection.execute(f"ANALYZE {table}")
        # What comes next is the newest, as it always is.
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('reviewapp_label', 'id'), max(id)) FROM reviewapp_label"
        )
    print(f"  {pairs:,} pairs filled in {time.monotonic() - begun:.0f} s", file=sys.stderr)


def unguard(connection: psycopg.Connection) -> None:
    """Without triggers and foreign keys, and without the index of words, which costs most of the time."""
    connection.execute("DROP INDEX IF EXISTS trace_search")
    for table in FILLED:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        keys = connection.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass", [table]
        )
        for (name,) in keys.fetchall():
            connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


def page_times(place: Installation, slug: str, size: int) -> list[Figure]:
    """The page as leads use it: the summary, its measures, the traces behind a cell, a threshold, a probe and
    a figure; labels keep coming."""
    browser = place.signed_in()
    path = f"/projects/{slug}/judges/{quote(NAME)}"
    first = timed(browser, path)
    waited = wait_for_figures(browser, path, size)
    kinds = {
        "summary": "",
        "measure": "?measure=tpr",
        "cell": "?cell=fn",
        "page 3": "?cell=tp&page=3",
        "threshold": "?cell=fn&at=0.3",
        "probe": "?cell=length",
        "figure": "?cell=scored&page=2",
    }
    times: dict[str, list[float]] = {}
    for kind, query in kinds.items():
        timed(browser, path + query)
        times[kind] = [timed(browser, path + query) for _ in range(VIEWS)]
    fresh = [stale_view(place, browser, slug, path) for _ in range(10)]
    note = ", ".join(f"{kind} {percentile(some, 0.95):.0f} ms" for kind, some in times.items())
    note += f", after new labels {max(fresh):.0f} ms, first view {first:.0f} ms, figures after {waited:.1f} s"
    together = [each for some in times.values() for each in some] + fresh
    return [
        Figure(
            f"calibration page p95 at {size:,} pairs", percentile(together, 0.95), "ms", "<=", MOST_MS, note
        )
    ]


def wait_for_figures(browser: clients.Connection, path: str, size: int) -> float:
    begun = time.monotonic()
    while b'id="summary"' not in (page := browser.get(path)[1]):
        assert time.monotonic() - begun < COMPUTED_SECONDS, "the worker never computed the figures"
        time.sleep(0.5)
    assert size < 10_000 or b"Isotonic regression, each fifth" in page, "the scores were not recalibrated"
    return time.monotonic() - begun


def stale_view(place: Installation, browser: clients.Connection, slug: str, path: str) -> float:
    """One more label, then the page."""
    with place.database() as connection:
        connection.execute(MORE)
    return timed(browser, path)

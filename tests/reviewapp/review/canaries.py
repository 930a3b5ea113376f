"""A project in which words that stand nowhere else are planted in all that was said of its traces."""

import itertools
import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace

from evaluation.golden.draft import candidates, cases
from evaluation.golden.models import Candidate, GoldenVersion
from evaluation.golden.published import versions
from evaluation.judges.making import versions as judge_versions
from evaluation.judges.models import Judgment
from evaluation.judges.models import Kind as JudgeKind
from ingest.models import AuditDraw, Feedback, Scope, Score, Span, Trace
from ingest.routing.models import Route, Unsettled
from reviewapp.models import Membership
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.models import Draft, Flag, ReviewItem
from tests.evaluation.golden.entering import put_values
from tests.evaluation.runs.reporting import report, results
from tests.reviewapp.review.making import START, make_queue, make_reviewer, make_traces

# In every way in which a trace may still have to be judged by this reviewer.
STANDINGS = ("held", "waiting", "decided elsewhere", "left", "right", "drawn", "arriving")


class Canaries:
    """Words that stand nowhere else, each with the trace and the place where it was planted."""

    def __init__(self):
        self.places = {}

    def plant(self, trace, place):
        word = f"kanarie{len(self.places):04d}x"
        self.places[word] = (trace, place)
        return word

    def seen(self, response):
        body = b"".join(response.streaming_content) if response.streaming else response.content
        whole = body.decode(errors="replace") + json.dumps(dict(response.headers)) + str(response.cookies)
        return set(re.findall(r"kanarie\d{4}x", whole))


def say(trace, standing, canary, version):
    """What judges, checks, users and rules say of it."""
    of = {"project": trace.project, "trace": trace, "target_kind": "trace", "target_key": trace.trace_id}
    Score.objects.create(
        **of, key=f"llm-{standing}", sha256=b"1" * 32, source="llm", name=canary("score name"), value=0.0123,
        label=canary("score label"), explanation=canary("rationale of a score"), timestamp=START,
        evaluator={"name": canary("evaluator"), "version": "1"},
    )  # fmt: skip
    Score.objects.create(
        **of, key=f"check-{standing}", sha256=b"1" * 32, source="code", name="check.empty", value=0,
        label="fail", explanation=canary("check finding"), timestamp=START,
    )  # fmt: skip
    Feedback.objects.create(
        **of, key=f"f-{standing}", sha256=b"1" * 32, kind="comment", comment=canary("comment of a user"),
        occurred_at=START,
    )  # fmt: skip
    Span.objects.create(
        trace=trace, span_id="root", parent_id="", name="chat", kind=1, start_ns=1, end_ns=2, status="ok",
        error="", scope="", response_id="", attributes={}, resource={}, sha256=b"2" * 32,
        events=[{"name": "gen_ai.evaluation.result", "time": START.isoformat(),
                 "attributes": {"gen_ai.evaluation.explanation": canary("evaluation of a span")}}],
    )  # fmt: skip
    Judgment.objects.create(
        version=version, trace=trace, origin="sample", progress="done", verdict="fail", score=0.91,
        confidence=0.8, rationale=canary("rationale of a judge"),
    )  # fmt: skip


def route(trace, canary, **more):
    reason = {"code": "score_below", "detail": canary("detail of a reason"), "rule": canary("rule")}
    Route.objects.create(
        trace=trace, queue="review", priority=0.7, reasons=[reason],
        terms={"p_fail": 0.0123, "by": canary("who ranked")}, **more,
    )  # fmt: skip


def answer(canary, verdict="fail"):
    return labels.Answer(
        verdict=verdict,
        note=canary("note of a peer"),
        corrected_output=canary("corrected output of a peer"),
        failure_modes=["tone"],
    )


def furnished(project, reviewer, api, canaries):
    """One trace in each standing; what is planted in it, and the real values of every part of an address."""
    traces = dict(zip(STANDINGS, make_traces(project, len(STANDINGS)), strict=True))
    Trace.objects.filter(project=project).update(started_at=datetime.now(UTC))
    version = judge_versions.create(project, "helpful", JudgeKind.RULES, parameters={"rules": []})
    words = {name: lambda place, name=name: canaries.plant(name, place) for name in STANDINGS}
    for name, trace in traces.items():
        say(trace, name, words[name], version)
    review, other = (make_queue(project, slug, overlap=2) for slug in ("review", "other"))
    pairs = make_queue(project, "pairs", kind="pair", overlap=2)
    peers = [make_reviewer(project, name) for name in ("peer", "second")]
    made = {}
    for name in ("held", "waiting", "decided elsewhere"):
        (made[name],) = items.enqueue(review, [traces[name].trace_id]).added
        ReviewItem.objects.filter(pk=made[name].pk).update(
            terms={"p_fail": 0.0123, "by": words[name]("who ranked the item")},
            reasons=[{"code": "score_below", "detail": words[name]("reason of the item")}],
        )
        route(traces[name], words[name], changed=False)
    ends = [traces[side].trace_id for side in ("left", "right")]
    (made["pair"],) = items.enqueue_pairs(pairs, [tuple(ends)]).added
    for name in ("held", "waiting"):
        label(made[name], peers[0], answer(words[name]))
        Flag.objects.create(item=made[name], reviewer=peers[0], note=words[name]("flag of a peer"))
        held = leases.reclaim(items.find(project, made[name].pk), peers[1])
        Draft.objects.create(assignment_id=held.assignment_id, body={"note": words[name]("draft of a peer")})
        leases.release(held.item, peers[1], held.token)
    said = labels.Answer(preference="a", note=words["left"]("note on a pair"))
    label(made["pair"], peers[0], said)
    # Confirmed in another queue, proposed for the golden set, and a case of a version by now.
    (elsewhere,) = items.enqueue(other, [traces["decided elsewhere"].trace_id]).added
    for peer in peers:
        label(elsewhere, peer, answer(words["decided elsewhere"]))
    candidate = candidates.propose(project, elsewhere.pk, "peer")
    Candidate.objects.filter(pk=candidate.pk).update(title=words["decided elsewhere"]("title of a candidate"))
    # Drawn, and its route not yet pulled; and one that has not settled.
    AuditDraw.objects.create(trace=traces["drawn"], u=0.01, stratum="", audit=0.5, judge=0.1)
    route(traces["drawn"], words["drawn"], changed=True, audit=True)
    Unsettled.objects.create(trace=traces["arriving"])
    lease = leases.reclaim(items.find(project, made["held"].pk), reviewer.user)
    dataset = cases.open_dataset(project, "support", "leo")
    values = [{"id": f"c{n}", "input": "q", "expected": str(n)} for n in range(3)]
    put_values(dataset, values, "leo")
    versions.publish(dataset, "leo", "first")
    run = report(
        api(Scope.RUNS_WRITE),
        "main",
        results(ids=["c0", "c1", "c2"]),
        to="/api/v1/golden/support/versions/1/runs",
    ).json()
    values = {
        "slug": [project.slug],
        "queue": ["review", "other", "pairs"],
        "trace_id": [trace.trace_id for trace in traces.values()],
        "pk": sorted({1, *(item.pk for item in made.values()), elsewhere.pk, candidate.pk, version.pk,
                      *Membership.objects.filter(project=project).values_list("user", flat=True),
                      GoldenVersion.objects.get().pk}),
        "rubric": ["answer-quality"], "name": ["empty", "support", "helpful"], "case_id": ["c0"],
        "run_id": [run["run_id"]], "kind": ["report.md", "junit.xml"],
        "format": ["native.jsonl", "flat.csv"], "provider_id": ["oidc"], "number": ["1"],
    }  # fmt: skip
    return SimpleNamespace(traces=traces, items=made, lease=lease, values=values, elsewhere=elsewhere)


def label(item, user, said):
    lease = leases.reclaim(items.find(item.queue.project, item.pk), user)
    return labels.submit(lease.item, Actor(user), lease.token, said)


def addresses(route, values):
    """The route with every combination of real values. A part of an address that is not known fails here:
    plant something that this route could tell, and name its values above."""
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    assert set(names) <= set(values), f"{route}: {names}"
    for chosen in itertools.product(*(values[name] for name in names)):
        filled = iter(chosen)
        yield "/" + re.sub(r"<(?:\w+:)?\w+>", lambda _, filled=filled: str(next(filled)), route.path)

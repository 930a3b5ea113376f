"""Every filter of the list and the API, page by page in both orders."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from ingest import filters
from ingest.filters import FILTERS, Order, Refused
from ingest.models import AuditDraw, Feedback, Project, Score, Trace

NOON = datetime(2026, 8, 6, 12, tzinfo=UTC)


@pytest.fixture
def project(db):
    return Project.objects.create(slug="filtered", name="Filtered")


def trace(project, trace_id, **columns):
    columns.setdefault("started_at", NOON)
    return Trace.objects.create(project=project, trace_id=trace_id, **columns)


def score(trace, name, value):
    return Score.objects.create(
        project=trace.project,
        trace=trace,
        key=f"{trace.trace_id} {name} {value}",
        target_kind="trace",
        target_key=trace.trace_id,
        name=name,
        value=value,
        timestamp=NOON,
        sha256=b"",
    )


def said(trace, kind, number, *, key, user="", minute=0):
    return Feedback.objects.create(
        project=trace.project,
        trace=trace,
        key=key,
        target_kind="trace",
        target_key=trace.trace_id,
        kind=kind,
        number=number,
        user=user,
        occurred_at=NOON + timedelta(minutes=minute),
        sha256=b"",
    )


def found(project, query):
    condition = filters.select(QueryDict(query), besides={"cursor", "limit", "order"})
    return sorted(Trace.objects.filter(condition, project=project).values_list("trace_id", flat=True))


@pytest.mark.parametrize(
    "column",
    ["route", "model", "provider", "prompt_name", "prompt_version", "environment", "session_id", "user_id"],
)
def test_a_column_is_matched_exactly(project, column):
    trace(project, "yes", **{column: "Refund"})
    trace(project, "other", **{column: "refund"})
    trace(project, "blank")
    assert found(project, f"{column}=Refund") == ["yes"]


def test_a_repeated_parameter_widens_and_another_one_narrows(project):
    trace(project, "a", model="m1", route="r1")
    trace(project, "b", model="m2", route="r1")
    trace(project, "c", model="m2", route="r2")
    assert found(project, "model=m1&model=m2&route=r1") == ["a", "b"]


def test_blank_values_are_no_condition(project):
    trace(project, "a", model="m1")
    assert found(project, "model=&q=&from=&score=&feedback=&drawn=&score.x.min=") == ["a"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=2026-08-06", ["late", "noon"]),
        ("to=2026-08-06", ["early", "noon"]),
        ("to=2026-08-06T12:00:00Z", ["early"]),
        ("from=2026-08-06T12:00:00Z", ["late", "noon"]),
        ("from=2026-08-06T14:00:01%2B02:00&to=2026-08-07", ["late"]),
        ("from=2026-08-06T14:00:00+02:00&to=2026-08-06", ["noon"]),
        ("from=2026-08-06T12:00:00&to=2026-08-06T12:00:01", ["noon"]),
    ],
)
def test_time_bounds(project, query, expected):
    trace(project, "early", started_at=NOON - timedelta(days=1))
    trace(project, "noon")
    trace(project, "late", started_at=NOON + timedelta(hours=12))
    assert found(project, query) == expected


def test_status_and_errors(project):
    trace(project, "fine", status="ok")
    trace(project, "failed", status="error")
    trace(project, "recovered", status="ok", error_count=1)
    assert found(project, "status=error") == ["failed"]
    assert found(project, "has_error=true") == ["failed", "recovered"]
    assert found(project, "has_error=false") == ["fine"]


def test_drawn(project):
    for name, u in (("in", 0.01), ("out", 0.9)):
        AuditDraw.objects.create(trace=trace(project, name), u=u, stratum="", audit=0.1, judge=0.5)
    trace(project, "unsettled")
    assert found(project, "drawn=true") == ["in"]
    assert found(project, "drawn=false") == ["out", "unsettled"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("score=faithfulness", ["high", "low", "two"]),
        ("score=faithfulness:0.5:", ["high", "two"]),
        ("score=faithfulness::0.5", ["low", "two"]),
        ("score=faithfulness:0.3:0.7", []),
        ("score.faithfulness.min=0.3&score.faithfulness.max=0.7", []),
        ("score.faithfulness.max=0.5", ["low", "two"]),
        ("score.a.b:c.min=1", ["odd"]),
        ("score=a.b:c:1:1", ["odd"]),
    ],
)
def test_score_ranges_hold_for_one_and_the_same_score(project, query, expected):
    score(trace(project, "low"), "faithfulness", 0.2)
    score(trace(project, "high"), "faithfulness", 0.9)
    both = trace(project, "two")
    score(both, "faithfulness", 0.1)
    score(both, "faithfulness", 0.95)
    score(trace(project, "odd"), "a.b:c", 1)
    assert found(project, query) == expected


def test_feedback_counts_as_its_sender_last_said_it(project):
    changed = trace(project, "changed")
    said(changed, "thumbs", 0, key="1", user="u", minute=0)
    said(changed, "thumbs", 1, key="2", user="u", minute=1)
    disputed = trace(project, "disputed")
    said(disputed, "thumbs", 0, key="3", user="u")
    said(disputed, "thumbs", 1, key="4", user="v")
    tied = trace(project, "tied")
    said(tied, "thumbs", 1, key="5", user="u")
    said(tied, "thumbs", 0, key="6", user="u")
    strangers = trace(project, "strangers")
    said(strangers, "thumbs", 0, key="7", minute=0)
    said(strangers, "thumbs", 1, key="8", minute=1)
    assert found(project, "feedback=thumbs_down") == ["disputed", "strangers", "tied"]
    assert found(project, "feedback=thumbs_up") == ["changed", "disputed", "strangers"]


@pytest.mark.parametrize(
    ("kind", "number", "word"),
    [
        ("rating", 0.8, "rating_high"),
        ("rating", 0.5, "rating_low"),
        ("task_completed", 1, "task_done"),
        ("task_completed", 0, "task_failed"),
        ("escalate", None, "escalate"),
        ("comment", None, "any"),
    ],
)
def test_feedback_words(project, kind, number, word):
    said(trace(project, "yes"), kind, number, key="1")
    trace(project, "no")
    assert found(project, f"feedback={word}") == ["yes"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("warranty", ["output"]),
        ("warr", ["output"]),
        ("battery life", ["input"]),
        ('"life battery"', []),
        ('"battery life"', ["input"]),
        ("battery or warranty", ["input", "output"]),
        ("is -battery", ["output"]),
        ("order-77", ["order-77/x y"]),
        ("order-77/x y", ["order-77/x y"]),
        ("BATTERY", ["input"]),
        ("'", []),
        ("*", []),
        ("nothinglikethis", []),
    ],
)
def test_words_are_searched_as_on_the_web(project, words, expected):
    trace(project, "input", input="How long is the battery life?")
    trace(project, "output", output="The warranty is two years.")
    trace(project, "order-77/x y")
    assert found(project, urlencode({"q": words})) == expected


HOSTILE = [
    "' OR 1=1 --",
    "'; DROP TABLE ingest_trace; --",
    "%' UNION SELECT secret FROM ingest_project --",
    "\\' OR ''='",
    "a' & 'b",
    "!(",
    "<->",
    ":*",
    "'a':* | 'b'",
    '"unbalanced -"',
    "-",
    "--",
    "or",
    "\\",
    "²",
    '"c d" ²',
    "\u202e\U0001f600",
    "project__secret",
    "a" * 500,
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", [*FILTERS, "score.x.min", "score.' OR 1=1 --.max"])
def test_hostile_values_find_nothing_and_break_nothing(project, name, value):
    trace(project, "secret", input="kept apart", model="m")
    try:
        assert found(project, urlencode({name: value})) == []
    except Refused as refusal:
        assert refusal.errors[0]["field"] in (name, name.rpartition(".")[0])


@pytest.mark.parametrize(
    "name",
    [
        "project",
        "project_id",
        "project__secret",
        "search",
        "id",
        "pk",
        "spans__attributes",
        "q__contains",
        "",
    ],
)
def test_names_outside_the_table_are_refused(project, name):
    with pytest.raises(Refused, match="known are q, trace_id, from"):
        found(project, f"{name}=1")


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=9999-12-31T23:59:59-14:00",
        "to=9999-12-31",
        "from=2026-02-30",
        "status=broken",
        "drawn=1",
        "score=x:low:",
        "score=x:nan:",
        "score.x.max=1e999",
        "feedback=thumbs_sideways",
        "model=%00",
        "q=" + "a" * 501,
        "&".join(["model=m"] * 51),
    ],
)
def test_unreadable_values_are_refused_by_name(project, query):
    with pytest.raises(Refused) as refusal:
        found(project, query)
    name = query.partition("=")[0].removesuffix(".max")
    assert [error["field"] for error in refusal.value.errors] == [name]


def pages(project, order, limit=3):
    cursor, seen = "", []
    while True:
        page = filters.page(Trace.objects.all(), project, order=order, cursor=cursor, limit=limit)
        seen.append([row.trace_id for row in page.traces])
        cursor = page.next
        if not cursor:
            return seen


@pytest.mark.parametrize("order", Order)
def test_pages_hold_every_trace_once_in_order_also_among_equal_times(project, order):
    for index in range(8):
        trace(project, str(index), started_at=NOON + timedelta(seconds=index // 4))
    expected = [str(index) for index in range(8)]
    if order == Order.NEWEST:
        expected.reverse()
    assert [name for page in pages(project, order) for name in page] == expected
    assert [len(page) for page in pages(project, order, 4)] == [4, 4]


def test_pages_stay_steady_while_traces_arrive(project):
    for index in range(6):
        trace(project, f"old {index}", started_at=NOON + timedelta(seconds=index))
    first = filters.page(Trace.objects.all(), project, limit=3)
    for index in range(5):
        trace(project, f"new {index}", started_at=NOON + timedelta(minutes=1, seconds=index))
    second = filters.page(Trace.objects.all(), project, limit=3, cursor=first.next)
    assert [row.trace_id for row in second.traces] == ["old 2", "old 1", "old 0"]


def test_a_cursor_is_read_only_where_it_was_made(project):
    other = Project.objects.create(slug="other", name="Other")
    for index in range(4):
        trace(project, str(index), started_at=NOON + timedelta(seconds=index))
    cursor = filters.page(Trace.objects.all(), project, limit=2).next
    forged = cursor[:-1] + ("a" if cursor[-1] != "a" else "b")
    for reader, text, order in [
        (other, cursor, Order.NEWEST),
        (project, cursor, Order.OLDEST),
        (project, forged, Order.NEWEST),
        (project, "x", Order.NEWEST),
        (project, "\0", Order.NEWEST),
        (project, "é:é", Order.NEWEST),
        (project, "a" * 10_000, Order.NEWEST),
    ]:
        with pytest.raises(Refused, match="cursor"):
            filters.page(Trace.objects.all(), reader, order=order, cursor=text)


def test_a_page_is_one_query(project, django_assert_num_queries):
    for index in range(10):
        trace(project, str(index))
    with django_assert_num_queries(1):
        filters.page(Trace.objects.filter(filters.select(QueryDict("q=a&feedback=any"))), project, limit=5)


def test_only_so_many_scores_can_be_asked_for_at_once(project):
    params = {f"score.name{number}.min": "0.5" for number in range(filters.MOST_BOUNDS)}
    assert found(project, urlencode(params)) == []
    with pytest.raises(Refused) as refused:
        found(project, urlencode(params | {"score.more.min": "1"}))
    assert [each["field"] for each in refused.value.errors] == ["score.more"]

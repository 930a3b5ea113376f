"""What the tests of golden pages share: a dataset with a draft, a form, and a confirmed failure."""

import html
import json

import pytest

from evaluation.golden import cases, versions
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from tests.reviewapp.review import conftest as review

BASE = "/projects/refunds"
VALUES = [
    {"id": f"c{n:02d}", "input": f"question <u>{n}</u>", "expected": str(n), "critical": n < 3,
     "tags": ["refunds"],
     "assertions": [{"type": "exact", "value": str(n)}], "note": "a note"}
    for n in range(60)
]  # fmt: skip
FORM = {
    "message-0-role": "user", "message-0-content": "What is 2+2?",
    "message-1-role": "user", "message-1-content": "",
    "expected": "4", "assertion-0-kind": "numeric", "assertion-0-value": "4", "assertion-0-limit": "0.1",
    "tags": "maths, easy", "split": "test", "source": "adversarial", "failure_modes": "", "note": "sums",
}  # fmt: skip


@pytest.fixture
def dataset(project):
    made = cases.open_dataset(project, "support", "leo")
    cases.put_values(made, VALUES, "leo")
    versions.publish(made, "leo", "first")
    cases.put_values(made, [{**VALUES[0], "expected": "zero"}, {"id": "new", "input": "new?"}], "leo")
    return made


@pytest.fixture
def failure(project):
    """A trace that two reviewers found failing, with a corrected output."""
    queue = review.make_queue(project, overlap=2)
    trace = review.make_traces(project, 1, input="Call me on +49 30 901820", route="refunds")[0]
    items.enqueue(queue, [trace.trace_id])
    answer = Answer(verdict="fail", corrected_output="We cannot refund this.", note="promised a refund")
    for name in ("rosa", "ron"):
        user = review.make_reviewer(project, name)
        lease = leases.claim(queue, user)
        labels.submit(lease.item, Actor(user), lease.token, answer)
    return queue.items.get()


def native_line(page):
    return json.loads(html.unescape(page.split('<pre class="code">')[1].split("</pre>")[0]))

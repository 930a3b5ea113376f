"""What the tests of golden pages share: a dataset with a draft, and a confirmed failure."""

import pytest

from evaluation.golden.draft import cases
from evaluation.golden.published import versions
from reviewapp.review import items, labels, leases
from reviewapp.review.actors import Actor
from reviewapp.review.labels import Answer
from tests.evaluation.golden.entering import VALUES, put_values
from tests.reviewapp.review import making as review


@pytest.fixture
def dataset(project):
    made = cases.open_dataset(project, "support", "leo")
    put_values(made, VALUES, "leo")
    versions.publish(made, "leo", "first")
    put_values(made, [{**VALUES[0], "expected": "zero"}, {"id": "new", "input": "new?"}], "leo")
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

"""What tests of golden cases enter, and how: values, a form, and the line that a page shows of a case."""

import html
import json

from evaluation.golden import cases

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


def put_values(dataset, values, by):
    return cases.put_checked(dataset, cases.check_values(values), by)


def native_line(page):
    return json.loads(html.unescape(page.split('<pre class="code">')[1].split("</pre>")[0]))

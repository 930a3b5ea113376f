"""What tests of golden cases enter, and how: values, a form, over the API; and the line a page shows."""

import html
import json

from evaluation.golden.draft import cases

BASE, ROOT = "/projects/refunds", "/api/v1/golden"
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


def filled(project, number=5, name="support"):
    dataset = cases.open_dataset(project, name, "x")
    put_values(dataset, [{"id": f"c{n}", "input": f"q {n}", "expected": "=1"} for n in range(number)], "x")
    return dataset


def native_line(page):
    return json.loads(html.unescape(page.split('<pre class="code">')[1].split("</pre>")[0]))


def ndjson(*values):
    return "".join(json.dumps(value) + "\n" for value in values)


def post_cases(client, *values, name="support"):
    return client.post(f"{ROOT}/{name}/cases", ndjson(*values), content_type="application/x-ndjson")


def publish(client, name="support", **body):
    return client.post(f"{ROOT}/{name}/versions", body or "", content_type="application/json")

"""Inspect reads its file as a dataset, evaluates twice a case, and both forms of its log are uploaded."""

import glob

import served
from inspect_ai import Task, eval
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import exact
from inspect_ai.solver import solver

CASES = served.cases()
samples = json_dataset(served.save("inspect.jsonl"))
assert [sample.id for sample in samples] == list(CASES)
for sample in samples:
    case = CASES[sample.id]
    assert sample.input == served.asked(case) and sample.target == served.expected(case)
    assert sample.metadata["case_revision"] == 1


@solver
def system():
    async def solve(state, generate):
        state.output.completion = served.answer(state.input_text)
        return state

    return solve


for form in ("json", "eval"):
    task = Task(dataset=samples, solver=system(), scorer=exact(), epochs=2)
    log = eval(task, model="mockllm/model", log_dir=f"logs-{form}", log_format=form, display="none")[0]
    assert log.status == "success", log.error
    told = served.upload(glob.glob(f"logs-{form}/*.{form}")[0], "inspect", "application/octet-stream")
    assert told["coverage"]["expected"] == len(CASES)

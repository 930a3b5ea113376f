"""DeepEval reads its goldens, runs a metric of its own over them, and its results file is uploaded."""

import glob
import os

os.environ.update(DEEPEVAL_RESULTS_FOLDER="results", DEEPEVAL_DISABLE_DOTENV="1")

import served
from deepeval import evaluate
from deepeval.dataset import EvaluationDataset
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase

CASES = served.cases()
dataset = EvaluationDataset()
dataset.add_goldens_from_json_file(
    served.save("deepeval.json"),
    input_key_name="input",
    expected_output_key_name="expected_output",
    source_file_key_name="source_file",
)
assert [golden.source_file for golden in dataset.goldens] == list(CASES)
for golden in dataset.goldens:
    case = CASES[golden.source_file]
    assert golden.input == served.asked(case) and golden.expected_output == served.expected(case)


class Same(BaseMetric):
    threshold = 1.0
    async_mode = False

    def measure(self, test_case, *_, **__):
        self.score = float(test_case.actual_output == test_case.expected_output)
        self.success = self.score == 1.0
        self.reason = "the same" if self.success else "another text"
        return self.score

    async def a_measure(self, test_case, *_, **__):
        return self.measure(test_case)

    def is_successful(self):
        return self.success

    @property
    def __name__(self):
        return "Same"


cases = [
    LLMTestCase(
        name=golden.source_file,
        input=golden.input,
        actual_output=served.answer(golden.input),
        expected_output=golden.expected_output,
    )
    for golden in dataset.goldens
]
evaluate(test_cases=cases, metrics=[Same()])
served.upload(max(glob.glob("results/*"), key=os.path.getmtime), "deepeval")

import os

from work import QUESTION, work

_, public, secret = os.environ["TOKEN"].split("_")
os.environ |= {"LANGFUSE_PUBLIC_KEY": public, "LANGFUSE_SECRET_KEY": secret}
os.environ |= {"LANGFUSE_HOST": os.environ["TOUCHSTONE"], "LANGFUSE_BASE_URL": os.environ["TOUCHSTONE"]}

from langfuse import get_client, observe, propagate_attributes
from langfuse.openai import OpenAI

assert get_client().auth_check()


@observe()
def answer(question):
    work(OpenAI(max_retries=0))
    get_client().score_current_trace(name="user_thumbs", value=0, data_type="BOOLEAN", comment="wrong")
    return "done"


with propagate_attributes(session_id="sess-42", user_id="user-7"):
    answer(QUESTION)
get_client().flush()

"""The review API: one module for each noun, one function for each operation; access, parse, one call, answer.

It calls the same functions as the page. `reviewapp.urls` imports it, which adds it to the native API.
"""

# In the order of the API's document.
# isort: off
from reviewapp.review.api import queues as queues
from reviewapp.review.api import items as items
from reviewapp.review.api import labels as labels
from reviewapp.review.api import rubrics as rubrics
from reviewapp.review.api import counters as counters

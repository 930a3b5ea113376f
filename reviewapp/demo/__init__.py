"""The demo's story: a shop's support assistant, its traffic, and the people who review it."""

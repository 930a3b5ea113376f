"""Online checks: what code alone can tell about every settled trace, each a score with its reason.

checks = trace_checks.load(project_ids)                                   one query
findings = trace_checks.run(checks[trace.project_id], trace, reading, rows.spans)     pure, never raises
trace_checks.store([(trace, findings), ...])                              last in the settling transaction
"""

from ingest.trace_checks.running import Checks, load, run
from ingest.trace_checks.storing import store
from ingest.trace_checks.vocabulary import Finding

__all__ = ["Checks", "Finding", "load", "run", "store"]

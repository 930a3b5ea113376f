"""Which project does a row belong to? Statements by which triggers keep a row inside its own."""

PROJECT_OF_VERSION = (
    "SELECT j.project_id FROM evaluation_judge j "
    "JOIN evaluation_judgeversion v ON v.judge_id = j.id WHERE v.id = NEW.version_id"
)
PROJECT_OF_TRACE = "SELECT t.project_id FROM ingest_trace t WHERE t.id = NEW.trace_id"
PROJECT_OF_ITEM = (
    "SELECT q.project_id FROM reviewapp_queue q "
    "JOIN reviewapp_reviewitem i ON i.queue_id = q.id WHERE i.id = NEW.item_id"
)

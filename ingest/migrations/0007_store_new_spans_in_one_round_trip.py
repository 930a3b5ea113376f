"""The short road of `ingest.new_spans`: spans that are all new, stored by one statement.

It takes the same steps in the same order as `ingest.intake.store` does for them, each with a snapshot of its
own, so that the two roads take turns at a trace as two writers on one road would.
"""

from django.db import migrations

STORE_NEW_SPANS = """
CREATE FUNCTION ingest_store_new_spans(project bigint, named jsonb, given jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint[];
    known bigint[];
    stored bigint;
BEGIN
    IF EXISTS (
        SELECT FROM jsonb_array_elements(given) g WHERE (
            SELECT true FROM ingest_span s WHERE s.span_id = g->>1 AND s.trace_id = (
                SELECT t.id FROM ingest_trace t WHERE t.project_id = project AND t.trace_id = g->>0
            )
        )
    ) THEN
        RETURN false;
    END IF;

    WITH met AS (
        INSERT INTO ingest_trace (project_id, trace_id, started_at)
        SELECT project, n->>0, timestamptz 'epoch' + (n->>1)::bigint * interval '1 microsecond'
          FROM jsonb_array_elements(named) WITH ORDINALITY AS x (n, place) ORDER BY place
        ON CONFLICT (project_id, trace_id) DO NOTHING RETURNING id
    ), waiting AS (
        INSERT INTO ingest_unsettled (trace_id) SELECT id FROM met
    )
    SELECT coalesce(array_agg(id), '{}') INTO fresh FROM met;

    IF cardinality(fresh) < jsonb_array_length(named) THEN
        SELECT array_agg(id) INTO known FROM (
            SELECT t.id FROM ingest_trace t
             WHERE t.project_id = project AND t.id <> ALL (fresh)
               AND t.trace_id = ANY (ARRAY(SELECT n->>0 FROM jsonb_array_elements(named) n))
             ORDER BY t.trace_id FOR NO KEY UPDATE
        ) locked;
    END IF;

    WITH inserted AS (
        INSERT INTO ingest_span (
            trace_id, span_id, parent_id, name, kind, start_ns, end_ns, status, error, scope, response_id,
            attributes, events, resource, sha256
        )
        SELECT (SELECT t.id FROM ingest_trace t WHERE t.project_id = project AND t.trace_id = g->>0), g->>1, g->>2, g->>3, (g->>4)::smallint, (g->>5)::bigint, (g->>6)::bigint, g->>7, g->>8,
               g->>9, g->>10, g->11, g->12, g->13, decode(g->>14, 'base64')
          FROM jsonb_array_elements(given) g
        ON CONFLICT (trace_id, span_id) DO NOTHING RETURNING id
    )
    SELECT count(*) INTO stored FROM inserted;

    IF stored < jsonb_array_length(given) THEN
        RAISE unique_violation USING MESSAGE = 'one of the spans has come by another request just now';
    END IF;

    IF known IS NOT NULL THEN
        UPDATE ingest_trace SET revision = revision + 1, last_seen = now(),
               stale_since = coalesce(stale_since, now()),
               flags = CASE WHEN 'late' = ANY (flags)
                            OR NOT EXISTS (SELECT FROM ingest_auditdraw d WHERE d.trace_id = id) THEN flags
                            ELSE flags || '{late}' END
         WHERE id = ANY (known);
    END IF;
    RETURN true;
END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0006_index_what_may_be_pruned'),
    ]

    operations = [
        migrations.RunSQL(STORE_NEW_SPANS, "DROP FUNCTION ingest_store_new_spans(bigint, jsonb, jsonb)"),
    ]

"""What is published stays as it is: no row of a version, its bytes, entries or revisions is deleted or changed.

The one transition is a withdrawal: the version gets its moment and reason, then its bytes go. A revision's
line may be erased, never rewritten. Large bytes are stored uncompressed, so that a slice of them is read
without the rest.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION golden_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published golden version never changes (% of %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION golden_version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE kept evaluation_goldenversion := NEW;
BEGIN
    kept.withdrawn_at := OLD.withdrawn_at;
    kept.withdrawn_reason := OLD.withdrawn_reason;
    kept.withdrawn_by := OLD.withdrawn_by;
    IF kept IS DISTINCT FROM OLD OR OLD.withdrawn_at IS NOT NULL
       OR NEW.withdrawn_at IS NULL OR NEW.withdrawn_reason = '' THEN
        RAISE EXCEPTION 'a published golden version never changes; it can be withdrawn once, with a reason'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION golden_body_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.content IS NOT NULL OR NEW.id <> OLD.id OR NEW.version_id <> OLD.version_id
       OR NEW.format <> OLD.format OR NEW.sha256 <> OLD.sha256 OR NEW.size <> OLD.size
       OR NOT EXISTS (SELECT FROM evaluation_goldenversion v
                      WHERE v.id = OLD.version_id AND v.withdrawn_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the bytes of a published golden version never change'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION golden_revision_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE kept evaluation_caserevision := NEW;
BEGIN
    kept.line := OLD.line;
    kept.provenance := OLD.provenance;
    IF NEW.line IS NOT NULL OR kept IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'a revision of a golden case never changes; its line can be erased'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION golden_case_id_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.case_id <> OLD.case_id OR NEW.dataset_id <> OLD.dataset_id THEN
        RAISE EXCEPTION 'the id of a golden case never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER golden_version_kept BEFORE UPDATE ON evaluation_goldenversion
    FOR EACH ROW EXECUTE FUNCTION golden_version_guard();
CREATE TRIGGER golden_version_stays BEFORE DELETE ON evaluation_goldenversion
    FOR EACH ROW EXECUTE FUNCTION golden_refuse();
CREATE TRIGGER golden_body_kept BEFORE UPDATE ON evaluation_versionbody
    FOR EACH ROW EXECUTE FUNCTION golden_body_guard();
CREATE TRIGGER golden_body_stays BEFORE DELETE ON evaluation_versionbody
    FOR EACH ROW EXECUTE FUNCTION golden_refuse();
CREATE TRIGGER golden_entry_stays BEFORE UPDATE OR DELETE ON evaluation_versionentry
    FOR EACH ROW EXECUTE FUNCTION golden_refuse();
CREATE TRIGGER golden_revision_kept BEFORE UPDATE ON evaluation_caserevision
    FOR EACH ROW EXECUTE FUNCTION golden_revision_guard();
CREATE TRIGGER golden_revision_stays BEFORE DELETE ON evaluation_caserevision
    FOR EACH ROW EXECUTE FUNCTION golden_refuse();
CREATE TRIGGER golden_case_id_kept BEFORE UPDATE OF case_id, dataset_id ON evaluation_goldencase
    FOR EACH ROW EXECUTE FUNCTION golden_case_id_guard();

ALTER TABLE evaluation_versionbody ALTER COLUMN content SET STORAGE EXTERNAL;
"""

OPEN = """
ALTER TABLE evaluation_versionbody ALTER COLUMN content SET STORAGE EXTENDED;
DROP TRIGGER golden_version_kept ON evaluation_goldenversion;
DROP TRIGGER golden_version_stays ON evaluation_goldenversion;
DROP TRIGGER golden_body_kept ON evaluation_versionbody;
DROP TRIGGER golden_body_stays ON evaluation_versionbody;
DROP TRIGGER golden_entry_stays ON evaluation_versionentry;
DROP TRIGGER golden_revision_kept ON evaluation_caserevision;
DROP TRIGGER golden_revision_stays ON evaluation_caserevision;
DROP TRIGGER golden_case_id_kept ON evaluation_goldencase;
DROP FUNCTION golden_refuse();
DROP FUNCTION golden_version_guard();
DROP FUNCTION golden_body_guard();
DROP FUNCTION golden_revision_guard();
DROP FUNCTION golden_case_id_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_golden_dataset_and_runs")]
    operations = [migrations.RunSQL(GUARD, OPEN)]

"""Rules that no code path can bypass: refusals by the database itself, named after what they protect."""

from __future__ import annotations

from collections.abc import Sequence

import pgtrigger


def append_only(name: str, *erasable: str) -> pgtrigger.Trigger:
    """Rows are added and never changed or deleted; `erasable` columns may change, for one stated reason."""
    columns = ", ".join(f"'{column}'" for column in erasable)
    same = f"to_jsonb(NEW) - ARRAY[{columns}]::text[] = to_jsonb(OLD) - ARRAY[{columns}]::text[]"
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP = 'UPDATE' AND {same} THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{name}';
        """,
    )


def frozen(name: str, is_frozen: str) -> pgtrigger.Trigger:
    """No change where the SQL condition `is_frozen` holds for the old or new row ({row} stands for it)."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF (TG_OP <> 'INSERT' AND ({is_frozen.format(row="OLD")}))
                OR (TG_OP = 'INSERT' AND ({is_frozen.format(row="NEW")})) THEN
                RAISE EXCEPTION 'a frozen rubric version is never changed'
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{name}';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,
    )


def inside_project(name: str, links: Sequence[str], *pairs: tuple[str, str]) -> pgtrigger.Trigger:
    """Refuse a row whose `links` lead into two projects: each pair is two SQL expressions of a project's id.

    A pair counts where both are known, so that a link may be empty.
    """
    apart = " OR ".join(f"(({left}) <> ({right}))" for left, right in pairs)
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf(*links),  # type: ignore[no-untyped-call]
        func=f"""
            IF {apart} THEN
                RAISE EXCEPTION 'a link of % leads into another project', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = '{name}';
            END IF;
            RETURN NEW;
        """,
    )

"""Could this reviewer be given this item, and does this queue give out anything to them?

The claim asks it, and whatever counts what a claim would find. What a reviewer has skipped comes last of all
and is no part of it; what others have locked in this moment is.
"""

from __future__ import annotations

# Whether the item `i` is for this reviewer: reserved for them, or for nobody.
IS_FOR_READER = "(i.reserved_for = ARRAY[]::bigint[] OR %(reviewer)s = ANY (i.reserved_for))"
# Of the item `i`. The assignment's state is asked by a scalar subquery, since that is never planned as a join
# over the whole table. The sum has it looked for among the item's, which are few: of who had done nothing
# when PostgreSQL last counted it believes that this is still so, and would look through all they have done
# since, for each item. Which states it is not in is asked, and not which one it is in: of that PostgreSQL
# believes that one item in two hundred is left, for which it would rather read the whole table. Nothing in it
# is a brace, as some statements are templates.
ITEM = f"""i.open_slots > 0
        AND {IS_FOR_READER}
        AND coalesce((SELECT a.state FROM reviewapp_assignment a
            WHERE a.item_id = i.id AND a.reviewer_id + 0 = %(reviewer)s), 'released')
            NOT IN ('leased', 'submitted', 'skipped')"""  # noqa: S608 - our own names
# Of the queue `q`: that the project is theirs is the door's to know.
QUEUE = """NOT q.paused AND q.archived_at IS NULL
        AND (q.assignment = 'open' OR EXISTS (SELECT FROM reviewapp_assignee s
            JOIN reviewapp_membership m ON m.id = s.membership_id
            WHERE s.queue_id = q.id AND m.user_id = %(reviewer)s))"""

"""Which personal data and secrets does a text hold, and what replaces them when it is stored?

Pure modules (no Django):
    policy        what a project wants masked; refuses patterns that cannot be run safely
    projection    a text as a reader sees it: without escapes and Markdown marks, with the way back
    emails, phones, numbers, addresses, keys, patterns   one kind of finding each
    finding       findings in order, none over another or inside a placeholder
    masking       the Redactor: texts, JSON values and rows with placeholders in place of findings
With the database:
    rows          the policy of a project and the counters
    policies      the redactor of a project, a few seconds old at most; saving a policy
"""

"""CI runs against a published golden version: uploads, scoring, the gate's decision, reports."""

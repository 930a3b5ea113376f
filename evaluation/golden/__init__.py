"""The golden dataset: cases, their revisions, and published versions whose bytes never change."""

"""The arithmetic behind every number shown: pure functions of counts and lists, without Django.

Failure is the positive class everywhere. numpy, scipy and scikit-learn are imported where they are used, so
that a process which needs none of them does not pay for them.
"""

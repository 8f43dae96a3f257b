"""The soak: real processes under load and faults, judged by a journal of what was acknowledged.

``python -m tests.soak --help`` says how to run it, ``docs/reliability.md`` what it shows. Nothing
in here that judges is shared with the product: the workload carries a model of its own, and the
checker reads tables with SQL of its own.
"""

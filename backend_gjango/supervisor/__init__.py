"""What ``make run`` runs: all processes in the foreground, kept alive, ended in order.

Small on purpose: no Django and no database driver is imported here, only what starts and watches.

``run`` is one run from lock to goodbye, ``first`` what a start needs before and after, ``plan``
which processes there are, ``keeper`` keeps one of them alive, ``loop`` all of them, ``output``
shows what they say, ``leftovers`` finds what a killed supervisor left behind.
"""

"""Providers played on this machine: what the demonstration's sources are asked of.

Only ``make run`` with our own database starts it, and only the settings of that run
(``settings_demo``) let the clock ask it.
"""

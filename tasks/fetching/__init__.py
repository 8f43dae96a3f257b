"""Thin webhooks: what an event only announced is asked of its provider, and the answer staged.

A pending read is a row (``Fetch``). The leader's thread takes due rows under a lease, pool threads
ask over HTTP within each account's budget, and one transaction stages the answer and ends the row.
"""

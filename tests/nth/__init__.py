"""Fail the n-th call: every statement and every word to Redis of one scenario fails in its turn."""

"""The promise, tried on real processes: see ``test_truth.py`` and ``expected.json``."""

"""The catalogue of faults and bad inputs, F1 to F77: each row is a test that names its number.

``pytest -k F34_`` finds a row, ``pytest -m slow -k F4_`` one that needs minutes. A row whose test
lives beside the code it tries is found the same way; docs/faults.md lists them all.
"""

"""End-to-end tests and what all tests share. Tests of one package live inside it."""

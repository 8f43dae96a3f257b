"""How we hear: verify, stage, answer. It knows nothing of sales."""

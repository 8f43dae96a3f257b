"""A stateful test: the real stack under any order of what happens to it, against the model."""

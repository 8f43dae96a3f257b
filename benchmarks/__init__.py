"""How fast, as ratios against baselines in the same run: ``make bench``."""

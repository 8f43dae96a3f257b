"""What is wrong with a source: near-misses of rejected deliveries, and its health."""

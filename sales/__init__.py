"""The core: what a sale is, and the one rule by which statements become one."""

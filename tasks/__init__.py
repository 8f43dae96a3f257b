"""How hearing becomes knowing: settling, its queue, its clock and its outcomes."""

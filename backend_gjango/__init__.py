"""The wiring: settings, processes, observability. No business rule lives here."""

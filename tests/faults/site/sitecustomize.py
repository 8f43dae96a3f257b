"""Python imports this at the start of a process whose PYTHONPATH names this folder."""

import os

if os.environ.get("GJANGO_FAULTS") and (
    os.environ.get("DJANGO_SETTINGS_MODULE") == "backend_gjango.settings_test"
):
    from tests.faults.loading import install

    install(os.environ["GJANGO_FAULTS"])

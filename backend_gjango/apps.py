from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WiringConfig(AppConfig):
    name = "backend_gjango"
    verbose_name = "backend_gjango"

    def ready(self) -> None:
        from . import checks  # noqa: F401
        from .roles import grant

        # The last app's signal: all tables exist by then.
        post_migrate.connect(grant, sender=None, dispatch_uid="gjango.grant")

from importlib import import_module

from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "tasks"
    verbose_name = "Обработка"

    def ready(self) -> None:
        from sales import writing

        # Loaded at the first edit: most processes never make one.
        writing.register(lambda: import_module("tasks.manual"))

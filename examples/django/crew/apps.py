from django.apps import AppConfig


class CrewConfig(AppConfig):
    name = "crew"
    verbose_name = "Crew"

    def ready(self):
        # Connects what the workers note.
        from crew import queue  # noqa: F401

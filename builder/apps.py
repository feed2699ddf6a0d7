from django.apps import AppConfig


class BuilderConfig(AppConfig):
    name = "builder"
    verbose_name = "Build"

    def ready(self) -> None:
        from builder import checks as checks

from django.apps import AppConfig


class ReviewAppConfig(AppConfig):
    name = "reviewapp"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from reviewapp.serving import boot_checks  # noqa: F401  (registers the checks)

"""What is the same on every server. What differs is in settings_local.py, which is not in the repository."""

from pathlib import Path

from .settings_local import *  # noqa: F403
from .settings_local import LOG_DIR, REDIS_URL

BASE_DIR = Path(__file__).resolve().parent.parent
FRONT_END = BASE_DIR.parent / "frontend" / "dist"

INSTALLED_APPS = ["django.contrib.staticfiles", "ferries"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "backend_site.urls"
WSGI_APPLICATION = "backend_site.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [FRONT_END]}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [FRONT_END / "assets"]
MEDIA_URL = "/media/"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE = {
    "missing logos": {"task": "ferries.tasks.fetch_missing_logos", "schedule": 5, "options": {"expires": 5}},
}

# logrotate empties the file in place, so it is opened to append.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {
        "file": {"class": "logging.FileHandler", "filename": f"{LOG_DIR}/ferries.log", "formatter": "line"},
        "stderr": {"class": "logging.StreamHandler"},
    },
    "loggers": {
        "ferries": {"handlers": ["file"], "level": "INFO"},
        "django": {"handlers": ["stderr"], "level": "INFO"},
    },
}

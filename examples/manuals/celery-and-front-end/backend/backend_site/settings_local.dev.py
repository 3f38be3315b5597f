"""settings_local.py of your own computer: copy it to that name."""

DEBUG = True
SECRET_KEY = "for-my-computer-only"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "ferries"}}
REDIS_URL = "redis://127.0.0.1:6379/0"
STATIC_ROOT = "static"
MEDIA_ROOT = "media"
LOG_DIR = "."

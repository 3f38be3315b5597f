"""settings_local.py of a server: Berth fills in the references to the database and the like."""

import os

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "${postgres.database}",
        "USER": "${postgres.user}",
        "PASSWORD": "${postgres.password}",
        "HOST": "${postgres.host}",
        "PORT": "${postgres.port}",
    }
}
REDIS_URL = "${redis.url}"
STATIC_ROOT = os.environ["STATIC_ROOT"]
MEDIA_ROOT = "${paths.media}"
LOG_DIR = "${paths.logs}"

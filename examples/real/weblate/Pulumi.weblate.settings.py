import os

from weblate.settings_example import *

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
SITE_DOMAIN = "${site.domain}"
SITE_URL = "${site.url}"
ENABLE_HTTPS = True
OTP_WEBAUTHN_RP_ID = SITE_DOMAIN
OTP_WEBAUTHN_ALLOWED_ORIGINS = [SITE_URL]
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = SOCIAL_AUTH_REDIRECT_IS_HTTPS = True
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
DATABASES["default"].update(
    # The role that owns the database: a login of its own is in it.
    ALTER_ROLE="${postgres.database}",
    NAME="${postgres.database}",
    USER="${postgres.user}",
    PASSWORD="${postgres.password}",
    HOST="${postgres.host}",
    PORT="${postgres.port}",
)
CACHES["default"].update(LOCATION="${redis.cacheUrl}", OPTIONS={})
CELERY_BROKER_URL = CELERY_RESULT_BACKEND = "${redis.url}"
DATA_DIR = "${paths.data}"
CACHE_DIR = f"{DATA_DIR}/cache"
CACHES["avatar"]["LOCATION"] = f"{CACHE_DIR}/avatar"
STATIC_ROOT = os.environ["STATIC_ROOT"]
MEDIA_ROOT = os.environ["MEDIA_ROOT"]

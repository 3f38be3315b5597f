"""All that differs from server to server comes from the environment, under the names of the manual's table."""

from pathlib import Path

import environ

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
INTERNAL_IPS = env.list("INTERNAL_IPS", default=[])
ADMINS = [("", address) for address in env.list("ADMINS", default=[])]
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("FROM_EMAIL")
vars().update(env.email_url("EMAIL_URL", default="smtp://:@localhost:25"))

INSTALLED_APPS = [
    "workbench.tasks",
    "huey.contrib.djhuey",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "workbench.urls"
WSGI_APPLICATION = "workbench.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
SITE_ID = 1
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True

DATABASES = {"default": env.db()}
CACHES = {"default": env.cache()}
# Sessions are in Redis, and so are the tasks of the queue, in another server of it.
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
HUEY = {"huey_class": "huey.RedisHuey", "name": "workbench", "immediate": False, "connection": {"url": env("REDIS_URL")}}

STATIC_URL = "/static/"
STATIC_ROOT = env("STATIC_ROOT")
STATICFILES_DIRS = [("vendor", BASE_DIR / "node_modules/normalize.css")]
MEDIA_URL = "/media/"
MEDIA_ROOT = env("MEDIA_ROOT")

PROXY_ENABLED = env.bool("PROXY_ENABLED", default=False)
X_ACCEL_LOCATION = env("X_ACCEL_LOCATION") if PROXY_ENABLED else None
if PROXY_ENABLED:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=True)

# Where tasks are fetched from by huey's deployment key, when the git server tells of a push with this secret.
GIT_ROOT = Path(env("GIT_ROOT"))
GIT_URL = env("GIT_URL")
GITHUB_SECRET = env("GITHUB_SECRET")
# What runs a solution.
RUNNER_IMAGE = env("DOCKER_IMAGE_RUNNER", default="")

"""Every setting that differs between places comes from the environment; README.md lists them."""

import os

DEBUG = os.environ.get("DEBUG", "") == "1"


def needed(name, in_development):
    """A variable that must be set, unless DEBUG is on."""
    value = os.environ.get(name, "") or (in_development if DEBUG else "")
    if not value:
        raise RuntimeError(
            f"The environment variable {name} is missing or empty. "
            "Set it, or set DEBUG=1 to try the signal lamp on your own computer."
        )
    return value


SECRET_KEY = needed("SECRET_KEY", in_development="only-for-development")
DATABASE_URL = needed("DATABASE_URL", in_development="postgres:///lamp")
REDIS_URL = needed("REDIS_URL", in_development="redis://127.0.0.1:6379/0")
ALLOWED_HOSTS = [name for name in os.environ.get("ALLOWED_HOSTS", "").split(",") if name]
SITE_URL = os.environ.get("SITE_URL", "")
SITE_NAME = os.environ.get("SITE_NAME", "The signal lamp")
BERTH_RELEASE = os.environ.get("BERTH_RELEASE", "development")
BERTH_STACK = os.environ.get("BERTH_STACK", "")
BERTH_HOST = os.environ.get("BERTH_HOST", "")
BERTH_RELEASED_AT = os.environ.get("BERTH_RELEASED_AT", "")

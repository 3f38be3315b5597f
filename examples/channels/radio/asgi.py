"""What uvicorn serves: pages by Django, WebSockets by Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "radio.settings")
pages = get_asgi_application()

# Django must be set up before what uses it is imported.
from .consumers import sockets  # noqa: E402

application = ProtocolTypeRouter(
    # A browser sends cookies to WebSockets from every site, so the site that asks is checked.
    {"http": pages, "websocket": AllowedHostsOriginValidator(URLRouter(sockets))}
)

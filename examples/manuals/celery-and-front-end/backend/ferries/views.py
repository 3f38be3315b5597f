import logging
import os

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from redis import Redis

from .models import Ferry

log = logging.getLogger(__name__)


def index(request: HttpRequest) -> HttpResponse:
    """The page that the front end's build has made."""
    return render(request, "index.html")


def ferries(request: HttpRequest) -> HttpResponse:
    log.info("the ferries were asked for")
    told = [{"name": one.name, "logo": one.logo.url if one.logo else None} for one in Ferry.objects.order_by("name")]
    return JsonResponse({"release": os.environ.get("BERTH_RELEASE", "development"), "ferries": told})


def health(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    Redis.from_url(settings.REDIS_URL, socket_timeout=2).ping()
    return HttpResponse("well")

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from .models import Chart


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "charts/index.html", {"site": settings.SITE_NAME, "charts": Chart.objects.all()})


def listed(request: HttpRequest) -> HttpResponse:
    """For programs: the charts, and the release that tells of them."""
    charts = [{"title": one.title, "name": one.file.name, "url": one.file.url} for one in Chart.objects.all()]
    return JsonResponse({"release": os.environ.get("BERTH_RELEASE", "development"), "charts": charts})

"""What the load of bench/load.ts asks: put into a copy of the example as logbook/load_views.py."""

import time

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from entries.models import Entry

VERSION = "0"


def get(request):
    return HttpResponse("well")


def version(request):
    """Which version of the code this process has loaded: a release changes the line above."""
    return HttpResponse(VERSION)


@csrf_exempt
def post(request):
    Entry.objects.create(name=request.GET["token"], message=f"{len(request.body)} bytes")
    return HttpResponse("written")


def long(request):
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("at last")


@csrf_exempt
def upload(request):
    # Not request.body, which Django refuses from 2.5 MB on.
    taken = 0
    while part := request.read(1 << 16):
        taken += len(part)
    return HttpResponse(f"{taken}")


@csrf_exempt
def refuse(request):
    # Without reading what was sent.
    return HttpResponse("too much", status=413)


def big(request):
    return HttpResponse(b"b" * (2 << 20))


urlpatterns = [path(view.__name__, view) for view in (get, version, post, long, upload, refuse, big)]

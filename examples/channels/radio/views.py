from django.http import JsonResponse
from django.shortcuts import render

from . import room


async def page(request):
    return render(request, "radio/page.html")


async def health(request):
    """Well is who reaches Redis, without which no message goes anywhere."""
    await room.store.ping()
    return JsonResponse({"status": "ok"})

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from logbook.parts import postgres, redis


@never_cache
@require_safe
def health(request):
    """Can a visitor be served? 200, or 503 naming the part that fails. Sets no cookie, gives nothing away."""
    parts = [postgres(), redis()]
    well = all(part.well for part in parts)
    answer = {
        "status": "ok" if well else "failing",
        **{part.key: "ok" if part.well else "failing" for part in parts},
        "release": settings.BERTH_RELEASE,
    }
    return JsonResponse(answer, status=200 if well else 503)

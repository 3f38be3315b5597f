import platform
import socket
from datetime import UTC, datetime
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

import logbook
from crew import queue
from entries.forms import EntryForm
from entries.models import Entry
from logbook import parts

entries_on_a_page = 10


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def front_page(request):
    """
    The log book and the state of its parts. While Redis is away it works without a visit count; while
    Postgres is away it still says what is deployed, with status 503.
    """
    postgres, redis, media, static = parts.postgres(), parts.redis(), parts.media(), parts.static_files()

    form = EntryForm(initial={"name": request.session.get("name", "") if redis.well else ""})
    if request.method == "POST":
        form = EntryForm(request.POST, request.FILES)
        # While Postgres is away the form comes back as it was, so nobody's words are lost.
        if postgres.well and form.is_valid():
            entry = form.save()
            if redis.well:
                request.session["name"] = entry.name
                if entry.photo:
                    queue.ask_for_preview(entry)
            messages.success(request, f"Thank you, {entry.name}. Your entry is in the book.")
            return redirect("front-page")

    page = shown_entries(request.GET.get("page")) if postgres.well else None
    all_parts = [postgres, redis, media, static]
    return render(
        request,
        "entries/front_page.html",
        {
            "form": form,
            "page": page,
            "parts": all_parts,
            "failing": [part for part in all_parts if not part.well],
            "queue": queue.look() if redis.well else None,
            "visits": count_visit(request) if redis.well else None,
            "deployment": deployment(request),
        },
        status=503 if not postgres.well else 422 if form.is_bound else 200,
    )


def shown_entries(page):
    """A page of the book; a page number that makes no sense gives the nearest one that does."""
    return Paginator(Entry.objects.filter(hidden=False).select_related("preview"), entries_on_a_page).get_page(page)


def count_visit(request):
    """How often this browser has opened the page, kept in its session."""
    visits = request.session.get("visits", 0)
    if request.method == "GET":
        visits += 1
        request.session["visits"] = visits
    return visits


def deployment(request):
    released_at = parse_time(settings.BERTH_RELEASED_AT)
    return {
        "release": settings.BERTH_RELEASE or "development",
        "stack": settings.BERTH_STACK,
        "host": settings.BERTH_HOST or socket.gethostname(),
        "domain": urlsplit(settings.SITE_URL).hostname or request.get_host(),
        "since": released_at or settings.PROCESS_STARTED_AT,
        "since_what": "Released" if released_at else "Started",
        "version": logbook.__version__,
        "python": platform.python_version(),
        "django": django.get_version(),
    }


def parse_time(text):
    """An ISO 8601 time, taken as UTC where it names no zone; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

import hashlib
import hmac

from django.conf import settings
from django.core.files.base import ContentFile
from django.http import FileResponse, HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from workbench.tasks.jobs import check, fetch_tasks
from workbench.tasks.models import Solution, Task


@require_GET
def health(request):
    Task.objects.exists()
    return HttpResponse("ok", content_type="text/plain")


@require_GET
def index(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return render(request, "index.html", {"tasks": Task.objects.order_by("name"), "visits": request.session["visits"]})


@csrf_exempt
@require_POST
def push(request):
    """A git server tells of a push, as GitHub does: https://docs.github.com/webhooks."""
    signature = "sha256=" + hmac.new(settings.GITHUB_SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Hub-Signature-256", "")):
        return HttpResponseForbidden("the signature does not fit")
    fetch_tasks()
    return HttpResponse(status=202)


@csrf_exempt
@require_POST
def task(request, name):
    """A solution, as the body of the request."""
    given = Solution(task=get_object_or_404(Task, name=name))
    given.file.save(f"{name}.sh", ContentFile(request.body))
    check(given.pk)
    return JsonResponse({"solution": given.pk}, status=202)


@require_GET
def solution(request, number):
    given = get_object_or_404(Solution, pk=number)
    return JsonResponse({"state": given.state, "output": given.output})


@require_GET
def solution_file(request, number):
    given = get_object_or_404(Solution, pk=number)
    if settings.X_ACCEL_LOCATION is None:
        return FileResponse(given.file.open(), content_type="text/plain")
    headers = {"X-Accel-Redirect": f"{settings.X_ACCEL_LOCATION}/{given.file.name}"}
    return HttpResponse(headers=headers, content_type="text/plain")

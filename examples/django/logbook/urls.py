from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import path

from entries.views import front_page
from logbook.views import health

admin.site.site_header = admin.site.site_title = settings.SITE_NAME

urlpatterns = [
    path("", front_page, name="front-page"),
    path("health", health, name="health"),
    path("admin/", admin.site.urls),
    # Only with DEBUG on: on a host nginx serves uploads from disk.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]

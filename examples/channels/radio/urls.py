from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import path

from . import views

# Django serves static files with DEBUG alone; on a host nginx does.
urlpatterns = [path("", views.page), path("health", views.health), *staticfiles_urlpatterns()]

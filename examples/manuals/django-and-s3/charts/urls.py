from django.contrib import admin
from django.urls import path

from . import views

urlpatterns = [
    path("", views.index),
    path("charts.json", views.listed),
    path("admin/", admin.site.urls),
]

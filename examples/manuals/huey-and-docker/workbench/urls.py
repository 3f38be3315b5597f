from django.contrib import admin
from django.urls import path

from workbench.tasks import views

urlpatterns = [
    path("", views.index),
    path("health", views.health),
    path("admin/", admin.site.urls),
    path("push", views.push),
    path("tasks/<slug:name>/", views.task, name="task"),
    path("solutions/<int:number>/", views.solution, name="solution"),
    path("solutions/<int:number>/file", views.solution_file, name="file"),
]

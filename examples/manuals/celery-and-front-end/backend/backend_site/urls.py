from django.urls import path

from ferries import views

urlpatterns = [
    path("", views.index),
    path("api/ferries/", views.ferries),
    path("health", views.health),
]

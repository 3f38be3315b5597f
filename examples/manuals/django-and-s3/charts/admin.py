from django.contrib import admin

from .models import Chart

admin.site.register(Chart)

from django.contrib import admin

from workbench.tasks.models import Solution, Task

admin.site.register([Task, Solution])

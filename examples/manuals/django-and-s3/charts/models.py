from django.db import models


class Chart(models.Model):
    title = models.CharField(max_length=80, unique=True)
    file = models.FileField(upload_to="charts")

    class Meta:
        ordering = ("title",)

    def __str__(self) -> str:
        return self.title

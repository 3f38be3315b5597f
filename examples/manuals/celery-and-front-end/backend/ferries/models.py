from django.db import models


class Ferry(models.Model):
    name = models.CharField(max_length=40, unique=True)
    logo = models.FileField(upload_to="logos", blank=True)

    def __str__(self) -> str:
        return self.name

from django.db import models


class Task(models.Model):
    """What is to be solved: a folder of the repository of tasks, with a text and a check."""

    name = models.SlugField(unique=True)
    text = models.TextField()

    def __str__(self):
        return self.name


class Solution(models.Model):
    task = models.ForeignKey(Task, models.CASCADE)
    file = models.FileField(upload_to="solutions")
    state = models.CharField(max_length=10, default="waiting")
    output = models.TextField(blank=True)
    sent = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.task} {self.pk}"

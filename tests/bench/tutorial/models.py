"""The table of a tutorial."""

from django.db import models


class Text(models.Model):
    recipient = models.CharField(max_length=16)
    sender = models.CharField(max_length=16)
    body = models.TextField()
    status = models.CharField(max_length=16, default="queued")
    sid = models.CharField(max_length=34, blank=True)

    class Meta:
        db_table = "tutorial_text"

    def __str__(self) -> str:
        return self.body

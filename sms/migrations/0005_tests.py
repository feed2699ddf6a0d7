"""Who tried a template out with a text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sms", "0004_events_append_only")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="tested_by",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=150, verbose_name="sent as a test by"
            ),
        ),
    ]

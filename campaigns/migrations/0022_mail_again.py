"""An e-mail about the brake that no server takes is tried again."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0021_lighter_accepting'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='mail_tries',
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='notice',
            name='next_mail_at',
            field=models.DateTimeField(null=True),
        ),
        # What nobody has been told of yet.
        migrations.RunSQL(
            "UPDATE campaigns_notice SET next_mail_at = now() WHERE mailed_at IS NULL AND pause_id IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]

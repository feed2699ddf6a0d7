"""What PostgreSQL would do again for each text that is promised, and that changes nothing.

A check's text is read anew by each statement that writes its table, and a foreign key is looked up though the
same statement has written what it points to. Nobody looks for the beginning of a number that was texted.
"""

import django.db.models.deletion
from django.db import migrations, models

BEGINNING = "campaigns_textednumber_number_2398a181_like"


class Migration(migrations.Migration):

    dependencies = [
        ('builder', '0010_pauses'),
        ('campaigns', '0020_pauses_and_brake'),
        ('sms', '0020_fewer_checks'),
    ]

    operations = [
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {BEGINNING}",
            f"CREATE INDEX {BEGINNING} ON campaigns_textednumber (number varchar_pattern_ops)",
        ),
        migrations.AlterField(
            model_name='allowance',
            name='segments',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='allowance',
            name='segments_granted',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='allowance',
            name='shard',
            field=models.SmallIntegerField(),
        ),
        migrations.AlterField(
            model_name='allowance',
            name='texts',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='allowance',
            name='texts_granted',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='consent',
            name='tool_call',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='consent', to='campaigns.toolcall'),
        ),
        migrations.AlterField(
            model_name='textednumber',
            name='texts',
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name='toolcall',
            name='action',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tool_calls', to='builder.smsaction'),
        ),
        migrations.AlterField(
            model_name='toolcall',
            name='call',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tool_calls', to='campaigns.call'),
        ),
        migrations.AlterField(
            model_name='toolcall',
            name='message',
            field=models.OneToOneField(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tool_call', to='sms.message'),
        ),
    ]

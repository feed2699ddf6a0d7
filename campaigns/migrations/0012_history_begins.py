"""What stands now is noted as what the history began with: the first change of a row has something before it."""

from django.db import migrations

# Only what people change of a sender has a history; the rest is no configuration.
WITHOUT_BEGINNING = {"senderevent"}


def begin(apps, schema_editor):
    for events in apps.get_models():
        fields = {field.name: field for field in events._meta.local_fields}
        if "pgh_obj" not in fields or events._meta.model_name in WITHOUT_BEGINNING:
            continue
        tracked = fields["pgh_obj"].related_model._meta
        columns = [
            f'"{field.column}"' for field in fields.values() if not field.column.startswith("pgh_")
        ]
        listed = ", ".join(columns)
        schema_editor.execute(
            f'INSERT INTO "{events._meta.db_table}" ({listed}, pgh_obj_id, pgh_label, pgh_created_at) '
            f'SELECT {listed}, "{tracked.pk.column}", \'began\', clock_timestamp() FROM "{tracked.db_table}"'
        )


class Migration(migrations.Migration):
    dependencies = [
        ("builder", "0007_history"),
        ("campaigns", "0011_history"),
        ("sms", "0014_history"),
    ]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]

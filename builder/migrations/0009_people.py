"""Why an action needs no consent."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('builder', '0008_allowed_numbers'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='smsaction',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='smsaction',
            name='update_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='smsaction',
            name='delete_delete',
        ),
        migrations.AddField(
            model_name='smsaction',
            name='transactional_because',
            field=models.CharField(blank=True, db_default='', default='', help_text='Whoever answers a complaint reads it: “The caller orders this text by calling the parcel line”.', max_length=300, verbose_name='why none is needed'),
        ),
        migrations.AddField(
            model_name='smsactionevent',
            name='transactional_because',
            field=models.CharField(blank=True, db_default='', default='', help_text='Whoever answers a complaint reads it: “The caller orders this text by calling the parcel line”.', max_length=300, verbose_name='why none is needed'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='smsaction',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "builder_smsactionevent" ("allowed_hosts", "allowed_numbers", "description", "forbidden_words", "id", "is_active", "is_shared", "max_segments", "name", "on_doubt", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "recipient", "send_within_seconds", "sender", "template_id", "transactional", "transactional_because", "wait_seconds") VALUES (NEW."allowed_hosts", NEW."allowed_numbers", NEW."description", NEW."forbidden_words", NEW."id", NEW."is_active", NEW."is_shared", NEW."max_segments", NEW."name", NEW."on_doubt", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'insert\', NEW."id", NEW."provider", NEW."recipient", NEW."send_within_seconds", NEW."sender", NEW."template_id", NEW."transactional", NEW."transactional_because", NEW."wait_seconds"); RETURN NULL;', hash='4a01e327e370c9c355e4da40a544474c55a41951', operation='INSERT', pgid='pgtrigger_insert_insert_aee83', table='builder_smsaction', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='smsaction',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."allowed_hosts" IS DISTINCT FROM (NEW."allowed_hosts") OR OLD."allowed_numbers" IS DISTINCT FROM (NEW."allowed_numbers") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."forbidden_words" IS DISTINCT FROM (NEW."forbidden_words") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_shared" IS DISTINCT FROM (NEW."is_shared") OR OLD."max_segments" IS DISTINCT FROM (NEW."max_segments") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."on_doubt" IS DISTINCT FROM (NEW."on_doubt") OR OLD."owner_id" IS DISTINCT FROM (NEW."owner_id") OR OLD."provider" IS DISTINCT FROM (NEW."provider") OR OLD."recipient" IS DISTINCT FROM (NEW."recipient") OR OLD."send_within_seconds" IS DISTINCT FROM (NEW."send_within_seconds") OR OLD."sender" IS DISTINCT FROM (NEW."sender") OR OLD."template_id" IS DISTINCT FROM (NEW."template_id") OR OLD."transactional" IS DISTINCT FROM (NEW."transactional") OR OLD."transactional_because" IS DISTINCT FROM (NEW."transactional_because") OR OLD."wait_seconds" IS DISTINCT FROM (NEW."wait_seconds"))', func='INSERT INTO "builder_smsactionevent" ("allowed_hosts", "allowed_numbers", "description", "forbidden_words", "id", "is_active", "is_shared", "max_segments", "name", "on_doubt", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "recipient", "send_within_seconds", "sender", "template_id", "transactional", "transactional_because", "wait_seconds") VALUES (NEW."allowed_hosts", NEW."allowed_numbers", NEW."description", NEW."forbidden_words", NEW."id", NEW."is_active", NEW."is_shared", NEW."max_segments", NEW."name", NEW."on_doubt", NEW."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'update\', NEW."id", NEW."provider", NEW."recipient", NEW."send_within_seconds", NEW."sender", NEW."template_id", NEW."transactional", NEW."transactional_because", NEW."wait_seconds"); RETURN NULL;', hash='6b26b50abc1367e77e7d7ce6f3d815270964d977', operation='UPDATE', pgid='pgtrigger_update_update_465a8', table='builder_smsaction', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='smsaction',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "builder_smsactionevent" ("allowed_hosts", "allowed_numbers", "description", "forbidden_words", "id", "is_active", "is_shared", "max_segments", "name", "on_doubt", "owner_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "provider", "recipient", "send_within_seconds", "sender", "template_id", "transactional", "transactional_because", "wait_seconds") VALUES (OLD."allowed_hosts", OLD."allowed_numbers", OLD."description", OLD."forbidden_words", OLD."id", OLD."is_active", OLD."is_shared", OLD."max_segments", OLD."name", OLD."on_doubt", OLD."owner_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'delete\', OLD."id", OLD."provider", OLD."recipient", OLD."send_within_seconds", OLD."sender", OLD."template_id", OLD."transactional", OLD."transactional_because", OLD."wait_seconds"); RETURN NULL;', hash='c00fde6965a427a87dbff4b6371d168db0776dde', operation='DELETE', pgid='pgtrigger_delete_delete_bd204', table='builder_smsaction', when='AFTER')),
        ),
        migrations.RunSQL(
            "UPDATE builder_smsaction SET transactional_because = 'Decided before reasons were asked for.' WHERE transactional",
            migrations.RunSQL.noop,
        ),
    ]

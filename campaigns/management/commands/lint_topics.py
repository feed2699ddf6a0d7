"""The linter for a build or a nightly look: one line a finding."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from builder.lint import Finding
from builder.linting import Known
from builder.models import Topic
from campaigns.models import reaches
from sms import text


class Command(BaseCommand):
    help = (
        "Look for what is wrong in the topics, as their pages do. Warnings that somebody accepted keep "
        "silent. Ends with 1 if there are errors."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--warnings-as-errors", action="store_true", help="End with 1 for warnings, too.")

    def handle(self, *args: Any, **options: Any) -> None:
        topics = Topic.objects.prefetch_related("campaigns").order_by("name")
        known = Known.of(topic.actions for topic in topics)
        found = [
            (topic, finding) for topic in topics for finding in topic.open_findings(reaches(topic), known)
        ]
        for topic, finding in found:
            self.stdout.write(_line(topic, finding))
        if not found:
            self.stdout.write(f"Nothing to mend in {len(topics)} topic{'' if len(topics) == 1 else 's'}.")
        if any(finding.is_error or options["warnings_as_errors"] for _, finding in found):
            raise SystemExit(1)


def _line(topic: Topic, finding: Finding) -> str:
    before = text.one_line_break(getattr(topic, finding.field))[: finding.start]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f"{topic}: {finding.field}:{line}:{column} {finding.code} {finding.message}"

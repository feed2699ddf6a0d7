"""What the safeguards would say of a tool call, rule by rule. Writes nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns import tools
from campaigns.drafts import Caller
from campaigns.explaining import Explanation, explain
from campaigns.models import Campaign
from campaigns.tools import CONSENT, RECIPIENT
from sms import languages, numbers


class Command(BaseCommand):
    help = (
        "Say what would become of a tool call in a campaign, were it made now, and what each safeguard says "
        "of it. Nothing is sent or stored. Ends with 0 if it would be accepted, 1 if refused, 2 if broken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="The campaign's name.")
        parser.add_argument("tool", help="The tool's name.")
        parser.add_argument("--caller", default="", help="The caller's number, such as +13125550123.")
        parser.add_argument("--caller-name", default="", help="The caller's name, as a runtime may give it.")
        parser.add_argument("--language", default="", help="The call's language; the campaign's if unset.")
        parser.add_argument("--to", help="Whom the agent texts, where the tool texts anyone.")
        parser.add_argument("--consent", help="What the caller said when asked.")
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="What the agent fills in else."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = Campaign.objects.filter(name=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign “{options['campaign']}”.", returncode=2)
        offered = {tool.name: tool for tool in tools.of(campaign)}
        tool = offered.get(options["tool"])
        if tool is None:
            names = ", ".join(offered) or "none"
            raise CommandError(f"“{campaign}” has no tool “{options['tool']}”; it has {names}.", returncode=2)
        try:
            number = numbers.parse(options["caller"], campaign.country) if options["caller"] else ""
            language = languages.parse(options["language"]) if options["language"] else ""
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        caller = Caller(number, options["caller_name"])
        found = explain(campaign, tool, caller, _parameters(options), language)
        self._write(found)
        if found.problem or found.refusing:
            raise SystemExit(2 if found.problem else 1)

    def _write(self, found: Explanation) -> None:
        if found.problem:
            self.stdout.write(f"Broken: {found.problem}\nThe agent says: {found.say}")
            return
        width = max(len(each.rule.title) for each in found.said)
        for each in found.said:
            outcome = each.verdict.outcome
            more = each.verdict.why or (each.rule.plain if each.verdict.say else "")
            line = f"{outcome.value:<9}  {each.rule.title:<{width}}  {each.rule.code:<20}  {more}"
            self.stdout.write(line.rstrip())
        self.stdout.write(f"\n{'Refused' if found.refusing else 'Accepted'}. The agent says: {found.say}")
        if not found.refusing:
            self.stdout.write(f"To {found.recipient}: {found.body}")


def _parameters(options: dict[str, Any]) -> dict[str, str]:
    parameters = {RECIPIENT: options["to"], CONSENT: options["consent"]}
    for pair in options["set"]:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"Write “{pair}” as NAME=VALUE.", returncode=2)
        parameters[name] = value
    return {name: value for name, value in parameters.items() if value is not None}

"""What the tests of import and export share."""

from __future__ import annotations

from django.contrib.auth.models import Permission

from builder.exchange import read
from builder.exchange.exporting import FORMATS, export
from builder.exchange.importing import carry_out, rehearse

OFFER = "Offer to text the caller the directions. If they agree, call {{directions}}."
FILE = f"""\
midcall: 1
templates:
  - name: directions
    description: Use this when the caller asks for the way.
    body: |-
      Olive & Thyme, 48 Mill Lane.
      Ask for {{{{ person }}}}.
    translations:
      es: Calle Mill 48. Pregunte por {{{{ person }}}}.
    variables:
      person:
        description: Whom to ask for
        max_characters: 20
    sender: '+13125550142'
sms_actions:
  - name: text_the_way
    description: Use this when nothing else fits.
    template: directions
topics:
  - name: Finding us
    questions:
      - Where are you?
      - Is there parking?
    content: Six minutes on foot from the station.
    actions: {OFFER}
"""
# Neither asks the caller nor says when.
WITH_WARNINGS = "midcall: 1\ntopics:\n- name: Finding us\n  actions: Call {{directions}}.\n"


class Nowhere:
    """Topics and actions that stand in no campaign."""

    def reaches_of(self, topics):
        return {}

    def clash(self, topics, actions):
        return ""


def planned(text, user):
    return rehearse(read(text.encode()), user, Nowhere())


def imported(text, user, agrees=lambda plan: True):
    plan = carry_out(read(text.encode()), user, Nowhere(), agrees)
    assert [notice.message for notice in plan.errors] == []
    return plan


def errors(text, user):
    return [(each.line, each.message) for each in planned(text, user).errors]


def warnings(text, user):
    return [(each.line, each.message) for each in planned(text, user).warnings]


def all_of_build() -> str:
    return export(FORMATS["midcall"])


def may_all(user) -> None:
    user.user_permissions.add(
        *Permission.objects.filter(content_type__model__in=["topic", "smsaction", "smstemplate"])
    )

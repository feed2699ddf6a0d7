"""What is paused, on top of every page; and the way to pause what a page is about."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model
from django.template.context import Context

from campaigns import switches
from sms.models import Pause

register = template.Library()

MOST_SHOWN = 4


@register.inclusion_tag("campaigns/banner.html", takes_context=True)
def paused_now(context: Context) -> dict[str, Any]:
    """The pauses that last, for whoever may see them."""
    user = context.get("user")
    if not user or not user.has_perm("sms.view_pause"):
        return {}
    found = list(Pause.standing()[: MOST_SHOWN + 1])
    shown = [(pause, switches.may_resume(user, pause)) for pause in found[:MOST_SHOWN]]
    return {"shown": shown, "has_more": len(found) > MOST_SHOWN}


@register.inclusion_tag("campaigns/pause_button.html", takes_context=True)
def pause_button(context: Context) -> dict[str, Any]:
    """The way to pause the thing that the page is about, where it can be and is not."""
    thing, user = context.get("original"), context.get("user")
    if not isinstance(thing, Model) or not (kind := switches.kind_of(thing)):
        return {}
    may = switches.may_pause(user, thing)
    if not may or Pause.standing().filter(scope=switches.scope_of(thing)).exists():
        return {}
    return {"kind": kind, "thing": thing, "noun": thing._meta.verbose_name}

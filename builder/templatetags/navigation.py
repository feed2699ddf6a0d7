"""Breadcrumbs, page titles and empty lists, in the words of the sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.text import capfirst

from builder.navigation import Place, place_at, place_of

register = template.Library()


# What Django's own views have in their context, and no other; ours name their last step.
_ENDS = {"action_list": "History", "deleted_objects": "Delete", "crumb": ""}


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the way to a page; `url` is "" where a step cannot be opened."""

    title: str
    url: str = ""


@register.simple_tag(takes_context=True)
def trail(context: Context) -> list[Crumb]:
    """The way from the sidebar to this page. A view may end it with `crumb` in its context; one that is of no
    model names its entry of the sidebar, by the address, as `place`."""
    opts: Any = context.get("opts")
    crumbs: list[Crumb] = []
    if opts:
        heading, place = _place(opts)
        # Some pages are for more people than the list that they lie under.
        is_open = place.is_open_to(context["request"])
        if heading and heading != place.title:
            crumbs.append(Crumb(heading))
        thing: Any = context.get("original") or context.get("object")
        if opts.label_lower == "sms.userprofile" and thing and thing.user_id == context["user"].pk:
            crumbs.append(Crumb("My profile", reverse("admin:sms_userprofile_me")))
            thing = None
        else:
            crumbs.append(Crumb(place.title, reverse(place.url_name) if is_open else ""))
        if thing and not isinstance(thing, str):
            url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[thing.pk])
            crumbs.append(Crumb(str(thing), url if is_open else ""))
        elif context.get("add"):
            crumbs.append(Crumb(capfirst(f"new {opts.verbose_name}")))
    elif context.get("place"):
        heading, place = place_at(context["place"])
        crumbs += [Crumb(heading), Crumb(place.title, reverse(place.url_name))]
    elif context.get("index"):
        crumbs.append(Crumb("Dashboard"))
    elif context.get("content_title"):
        crumbs.append(Crumb(str(context["content_title"]).strip()))
    for key, title in _ENDS.items():
        if key in context:
            crumbs.append(Crumb(title or context[key]))
    return crumbs


@register.simple_tag(takes_context=True)
def tab_title(context: Context) -> str:
    """The page's name for the browser's tab, nearest step first."""
    titles = [crumb.title for crumb in trail(context)] or [str(context.get("title") or "")]
    return " · ".join(reversed(titles))


@register.simple_tag
def place(opts: Any) -> Place:
    """The entry of the sidebar that a model belongs to."""
    return _place(opts)[1]


def _place(opts: Any) -> tuple[str, Place]:
    found = place_of(opts.label_lower)
    if found:
        return found
    url_name = f"admin:{opts.app_label}_{opts.model_name}_changelist"
    return "", Place(capfirst(str(opts.verbose_name_plural)), "", url_name, opts.label_lower)

"""The sidebar, as one table: what stands where. Headings and breadcrumbs use its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the sidebar.

    `model` ("app.model") or `permission` decides who may see it; without either, everybody may. `empty` is
    what the list says while nothing stands in it, `add` the words on the button beside it.
    """

    title: str
    icon: str
    url_name: str
    model: str = ""
    empty: str = ""
    add: str = ""
    permission: str = ""

    def is_open_to(self, request: HttpRequest) -> bool:
        """Whether whoever asks may open it."""
        if self.permission:
            return bool(request.user.has_perm(self.permission))
        app, _, model = self.model.partition(".")
        return not model or any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))


SIDEBAR: list[tuple[str, list[Place]]] = [
    ("", [Place("Dashboard", "dashboard", "admin:index")]),
    (
        "Build",
        [
            Place(
                "Managed Topics",
                "menu_book",
                "admin:builder_topic_changelist",
                "builder.topic",
                "A topic is what the agent knows about one subject, and which texts it may offer there.",
                "Add a topic",
            ),
            Place(
                "SMS",
                "sms",
                "admin:sms_smstemplate_changelist",
                "sms.smstemplate",
                "A template is a text that you write once; a topic or an action sends it during a call.",
                "Add a template",
            ),
        ],
    ),
    (
        "Global Actions",
        [
            Place(
                "Actions Added",
                "bolt",
                "admin:builder_smsaction_changelist",
                "builder.smsaction",
                "An SMS action lets the agent text during a call. Add one, then attach it to a campaign "
                "under Campaigns > your campaign > Integrations > Manage Tools: until then it is never used.",
                "Add an SMS action",
            )
        ],
    ),
    (
        "Campaigns",
        [
            Place(
                "Campaigns",
                "campaign",
                "admin:campaigns_campaign_changelist",
                "campaigns.campaign",
                "A campaign is what one agent runs: its instructions, its topics and its tools.",
                "Add a campaign",
            )
        ],
    ),
    (
        "Activity",
        [
            Place(
                "Messages",
                "outbox",
                "admin:sms_message_changelist",
                "sms.message",
                "No text has been sent yet. Each one appears here the moment an agent asks for it. Connect "
                "one under Campaigns > your campaign > Integrations.",
            ),
            Place(
                "Calls",
                "call",
                "admin:campaigns_call_changelist",
                "campaigns.call",
                "No call has used a tool yet. Connect an agent under Campaigns > your campaign > "
                "Integrations.",
            ),
            Place(
                "Find a number", "person_search", "admin:sms_message_number", permission="sms.view_message"
            ),
            Place(
                "Opt-outs",
                "block",
                "admin:sms_optout_changelist",
                "sms.optout",
                "Nobody has opted out. Whoever answers STOP, or says so in a call, appears here by itself; "
                "“Import…” brings in a list that you have.",
                "Add by hand",
            ),
            Place(
                "Consents",
                "verified_user",
                "admin:campaigns_consent_changelist",
                "campaigns.consent",
                "No caller has agreed to a text yet. What they say is kept here.",
            ),
            Place(
                "Pauses",
                "pause_circle",
                "admin:sms_pause_changelist",
                "sms.pause",
                "Nothing was ever paused. To stop the texts of a campaign, an action, a template or a "
                "sender, open its page.",
            ),
            Place("Atlas", "hub", "admin:sms_userprofile_atlas", permission="sms.view_smstemplate"),
            Place("History", "history", "admin:auth_user_changes", permission="sms.administer"),
        ],
    ),
    (
        "Account",
        [
            Place("My profile", "badge", "admin:sms_userprofile_me"),
            Place("Users", "group", "admin:auth_user_changelist", "auth.user", add="Add a user"),
        ],
    ),
]

# Lists that are reached from another one's page: (heading, the entry that stays marked, the list).
BESIDE = [
    (
        "Activity",
        "Pauses",
        Place("Automatic brake", "speed", "admin:campaigns_alarm_changelist", "campaigns.alarm"),
    ),
    (
        "Activity",
        "Messages",
        Place(
            "Senders",
            "cell_tower",
            "admin:sms_sender_changelist",
            "sms.sender",
            "A sender appears here with the first text that it is to send.",
        ),
    ),
    (
        "Activity",
        "Find a number",
        Place(
            "Forgotten people",
            "person_off",
            "admin:sms_forgotten_changelist",
            "sms.forgotten",
            "Nobody has been forgotten. Find a number, and have its person forgotten from there.",
        ),
    ),
    (
        "Account",
        "My profile",
        Place("Profiles", "badge", "admin:sms_userprofile_changelist", "sms.userprofile"),
    ),
    (
        "Account",
        "Users",
        Place(
            "Groups",
            "groups",
            "admin:auth_group_changelist",
            "auth.group",
            "A group is what several users may do, decided once.",
            "Add a group",
        ),
    ),
]


def place_of(model: str) -> tuple[str, Place] | None:
    """The heading and the list of a model ("app.model")."""
    listed = [(heading, place) for heading, places in SIDEBAR for place in places]
    listed += [(heading, place) for heading, _, place in BESIDE]
    return next(((heading, place) for heading, place in listed if place.model == model), None)


def place_at(url_name: str) -> tuple[str, Place]:
    """The heading and the entry of the sidebar that leads to an address."""
    return next(
        (heading, place) for heading, places in SIDEBAR for place in places if place.url_name == url_name
    )


def _entry(place: Place) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "title": place.title,
        "icon": place.icon,
        "link": reverse_lazy(place.url_name),
        "permission": place.is_open_to,
    }
    beside = [other.url_name for _, title, other in BESIDE if title == place.title]
    if beside:
        entry["active"] = _is_any_of([place.url_name, *beside])
    return entry


def _is_any_of(url_names: list[str]) -> Callable[[HttpRequest], bool]:
    others = {place.url_name for _, places in SIDEBAR for place in places} - {"admin:index", *url_names}

    def is_active(request: HttpRequest) -> bool:
        # An entry may lead to what lies under another one's address.
        own = [address for address in map(reverse, url_names) if request.path.startswith(address)]
        return bool(own) and not any(
            request.path.startswith(address) and len(address) > max(map(len, own))
            for address in map(reverse, others)
        )

    return is_active


def _shipped(path: str) -> Callable[[HttpRequest], str]:
    # Static addresses are known only once the apps are.
    return lambda request: static(path)


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """What each page's template knows, that of the log-in too."""
    return {"is_demo": settings.DEMO}


# A calm blue-green: white on 600 is 6.1 : 1, 500 on the dark ground 5.9 : 1 (WCAG asks for 4.5).
_BRAND = {
    "50": "oklch(97.6% .012 220)",
    "100": "oklch(94.8% .024 220)",
    "200": "oklch(89.5% .045 219)",
    "300": "oklch(82% .07 218)",
    "400": "oklch(74% .09 217)",
    "500": "oklch(66% .095 217)",
    "600": "oklch(49% .085 220)",
    "700": "oklch(43% .075 221)",
    "800": "oklch(37.5% .063 222)",
    "900": "oklch(32.5% .052 223)",
    "950": "oklch(24% .04 224)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Midcall",
    "SITE_HEADER": "Midcall",
    "SITE_SUBHEADER": "Texts during a call",
    "SITE_SYMBOL": "perm_phone_msg",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": _shipped("builder/favicon.svg")},
    ],
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": _BRAND},
    "STYLES": [_shipped(f"builder/{name}.css") for name in ("midcall", "pages", "access")],
    "SCRIPTS": [_shipped("builder/page.js")],
    "GLOBAL_CALLBACK": "builder.navigation.everywhere",
    "DASHBOARD_CALLBACK": "campaigns.dashboard.fill",
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {"title": heading, "items": [_entry(place) for place in places]} for heading, places in SIDEBAR
        ],
    },
}

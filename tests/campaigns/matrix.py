"""Who may do what under /admin/: a row for each address there is, by its name.

Somebody stands for a role by a letter. Of each address: who may open it, and who changes something by posting
to it what its form would (or, where a post changes nothing, gets an answer).
"""

from __future__ import annotations

# Nobody has no permission at all; Olive owns what the addresses are about, Bob does not.
ROLES = {
    "-": "anonymous",
    "n": "nobody",
    "v": "Viewer",
    "b": "Ops",
    "o": "the owner, Ops",
    "a": "Admin",
    "s": "superuser",
}
NONE, ALL, READ, WRITE, OWN, ADMIN, SUPER = "", "nvboas", "vboas", "boas", "oas", "as", "s"
ANYBODY = "-" + ALL

# By the model: the list, adding, changing, deleting, history. A post to the list deletes what is selected.
PAGES = {
    # What is sent is its owner's; topics and campaigns are everybody's who writes them.
    "sms_smstemplate": [(READ, OWN), (WRITE, WRITE), (READ, OWN), (OWN, OWN), (READ, NONE)],
    "builder_smsaction": [(READ, OWN), (WRITE, WRITE), (READ, OWN), (OWN, OWN), (READ, NONE)],
    "builder_topic": [(READ, WRITE), (WRITE, WRITE), (READ, WRITE), (WRITE, WRITE), (READ, NONE)],
    "campaigns_campaign": [(READ, WRITE), (WRITE, WRITE), (READ, WRITE), (WRITE, WRITE), (READ, NONE)],
    "sms_message": [(READ, NONE), (NONE, NONE), (READ, NONE), (NONE, NONE), (READ, NONE)],
    "campaigns_call": [(READ, NONE), (NONE, NONE), (READ, NONE), (NONE, NONE), (READ, NONE)],
    "campaigns_consent": [(READ, NONE), (NONE, NONE), (READ, NONE), (NONE, NONE), (READ, NONE)],
    "sms_optout": [(READ, NONE), (WRITE, WRITE), (READ, NONE), (NONE, NONE), (READ, NONE)],
    "sms_forgotten": [(READ, NONE), (NONE, NONE), (READ, NONE), (NONE, NONE), (READ, NONE)],
    "sms_sender": [(READ, NONE), (NONE, NONE), (READ, ADMIN), (NONE, NONE), (READ, NONE)],
    "sms_pause": [(READ, NONE), (NONE, NONE), (READ, NONE), (NONE, NONE), (READ, NONE)],
    "campaigns_alarm": [(ADMIN, NONE), (NONE, NONE), (ADMIN, ADMIN), (NONE, NONE), (ADMIN, NONE)],
    # Olive's; one's own profile is changed by whoever writes what is sent.
    "sms_userprofile": [(ALL, NONE), (NONE, NONE), (OWN, OWN), (NONE, NONE), (OWN, NONE)],
    # Of somebody who is no superuser; see OF_SUPERUSERS.
    "auth_user": [(ADMIN, ADMIN), (ADMIN, ADMIN), (ADMIN, ADMIN), (ADMIN, ADMIN), (ADMIN, NONE)],
    "auth_group": [(SUPER, SUPER), (SUPER, SUPER), (SUPER, SUPER), (SUPER, SUPER), (SUPER, NONE)],
}
KINDS = ("changelist", "add", "change", "delete", "history")

OTHERS = {
    "index": (ALL, ALL),
    "login": (ANYBODY, ANYBODY),
    "logout": (NONE, ALL),
    "password_change": (ALL, ALL),
    "password_change_done": (ALL, ALL),
    "jsi18n": (ALL, ALL),
    "search": (ALL, ALL),
    # What it gives is tried for each field of each model.
    "autocomplete": (NONE, NONE),
    # No model has an address outside.
    "view_on_site": (NONE, NONE),
    "app_list": (ALL, ALL),
    "auth_user_hand_over": (OWN, OWN),
    "auth_user_password_change": (ADMIN, ADMIN),
    "auth_user_changes": (ADMIN, NONE),
    "auth_user_changes_of": (ADMIN, NONE),
    "builder_smsaction_preview": (NONE, OWN),
    "builder_topic_agent": (READ, READ),
    "builder_topic_agent_new": (WRITE, WRITE),
    "builder_topic_lint": (NONE, WRITE),
    # A draft stands in one's own session.
    "builder_topic_discard": (ALL, ALL),
    "campaigns_alarm_test": (NONE, ADMIN),
    "campaigns_campaign_agent": (READ, NONE),
    "campaigns_campaign_arrival": (READ, NONE),
    "campaigns_campaign_brake": (READ, OWN),
    "campaigns_campaign_connect": (WRITE, WRITE),
    "campaigns_campaign_connection": (READ, NONE),
    # There is nothing to see; to it is posted where a previous secret still works.
    "campaigns_campaign_end_previous": (WRITE, WRITE),
    "campaigns_campaign_integrations": (READ, WRITE),
    "campaigns_campaign_revoke": (WRITE, WRITE),
    "campaigns_campaign_safeguards": (READ, READ),
    "campaigns_campaign_secret": (WRITE, WRITE),
    "campaigns_campaign_signing": (WRITE, WRITE),
    "campaigns_consent_evidence": (READ, NONE),
    "sms_message_cancel": (WRITE, WRITE),
    "sms_message_forget": (ADMIN, ADMIN),
    "sms_message_number": (READ, NONE),
    "sms_optout_export": (READ, NONE),
    "sms_optout_import": (WRITE, WRITE),
    "sms_optout_lift": (WRITE, WRITE),
    "sms_pause_everything": (ADMIN, ADMIN),
    "sms_pause_resume": (OWN, OWN),
    "sms_pause_thing": (OWN, OWN),
    "sms_sender_release": (NONE, ADMIN),
    "sms_smstemplate_duplicate": (NONE, WRITE),
    "sms_smstemplate_preview": (NONE, OWN),
    "sms_smstemplate_tried": (OWN, NONE),
    "sms_smstemplate_tried_state": (OWN, NONE),
    "sms_smstemplate_try": (OWN, OWN),
    "sms_smstemplate_try_text": (NONE, OWN),
    "sms_userprofile_atlas": (READ, NONE),
    "sms_userprofile_atlas_check": (ADMIN, ADMIN),
    "sms_userprofile_atlas_enable": (ADMIN, ADMIN),
    "sms_userprofile_me": (ALL, ALL),
    "sms_userprofile_senders": (NONE, WRITE),
    **{
        f"{model}_{page}": who
        for model in ("builder_topic", "builder_smsaction", "sms_smstemplate")
        for page, who in {
            "import": (WRITE, WRITE),
            "import_check": (WRITE, WRITE),
            "export": (READ, NONE),
        }.items()
    },
}
# The same addresses, of a superuser.
OF_SUPERUSERS = {
    "auth_user_change": (ADMIN, SUPER),
    "auth_user_delete": (SUPER, SUPER),
    "auth_user_history": (ADMIN, NONE),
    "auth_user_password_change": (SUPER, SUPER),
    "auth_user_hand_over": (ADMIN, ADMIN),
    "sms_userprofile_atlas_enable": (SUPER, SUPER),
    "sms_userprofile_change": (SUPER, SUPER),
    "sms_userprofile_history": (SUPER, NONE),
}
EXPECTED = {
    **{f"{model}_{kind}": who for model, row in PAGES.items() for kind, who in zip(KINDS, row, strict=True)},
    **OTHERS,
}
# A post to these changes nothing in the configuration, whoever makes it; handing over only shows first what
# it would do.
CHANGES_NOTHING = {
    "index", "login", "logout", "password_change", "password_change_done", "jsi18n", "search", "app_list",
    "auth_user_hand_over", "builder_smsaction_preview", "builder_topic_agent", "builder_topic_agent_new",
    "builder_topic_lint", "builder_topic_discard",
    "campaigns_campaign_safeguards",
    "sms_smstemplate_preview", "sms_smstemplate_try", "sms_smstemplate_try_text", "sms_userprofile_me",
    "sms_userprofile_atlas_check", "sms_userprofile_senders",
    *(
        f"{model}_{page}"
        for model in ("builder_topic", "builder_smsaction", "sms_smstemplate")
        for page in ("import", "import_check")
    ),
}  # fmt: skip
# These do what they are asked for and undo it again, to show what it would be.
REHEARSES = {"auth_user_hand_over"}

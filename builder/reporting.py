"""What the report of an error shows: in an e-mail to ADMINS, and on the page of an error under DEBUG."""

from __future__ import annotations

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class WithoutValues(SafeExceptionReporterFilter):
    """Where it broke, and no values: any variable may hold a token, a number or a text, and so may what was
    posted. With DEBUG on, too, for whoever debugs sees other people's accounts then."""

    # Django's, and addresses with a password inside.
    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|DATABASE_URL|BROKER_URL|EMAIL_URL", re.IGNORECASE
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request else {}

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, str]:
        return {name: type(value).__name__ for name, value in tb_frame.f_locals.items()}.items()

"""The product's settings for a fault run: the same, with its waits shorter and, if asked for, one defect.

LEASE_SECONDS and LATE_BOUND_SECONDS are the product's own variables. What has none is shortened here, so that
all keep their order: answer < lease, lateness of the carrier < late bound.
"""

import os

from builder.settings import *  # noqa: F403
from builder.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS

CELERY_BEAT_SCHEDULE["resolve doubts"]["schedule"] = float(os.environ["FAULTS_RECONCILE_SECONDS"])
INSTALLED_APPS.append("tests.faults.broken.Broken")

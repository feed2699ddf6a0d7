"""The life of a message: all SQL that changes one stands in this package. The database is the queue.

                 accept()                                      opted out meanwhile: BLOCKED
    a tool call ----------> QUEUED <------ surely not taken      too old: EXPIRED
                            ^ |    \\      (after a delay)        taken back, cancel(): CANCELED
    release(), resume(), or | |     `---> HELD  the sender or the account is refused (hold()), it is paused
          a probe, or the --' |                 (suspend()), or it is quiet hours where the phone is
                  morning     |                 (accept(), keep_quiet())
                              | claim(), committed before a socket is written
                              v
                         SUBMITTING ---- refused for good ------------------> FAILED
                          |      |
         the carrier's    |      | lease ran out, or the answer was lost
         answer           |      v
                          |  UNCONFIRMED --- two clean listings, late -----> QUEUED, once more,
                          v      |                                           or UNKNOWN, as promised
                       ACCEPTED <+-- a receipt, or the carrier's list, names it
                          |
                receipt() v
                        SENT --> DELIVERED | UNDELIVERED | FAILED | CANCELED

A state changes by one conditional UPDATE whose row count decides who won. Times are the database's, so that
hosts may disagree about theirs. No function here talks to a network, and each is one short transaction.
"""

from sms.erasing import OPEN
from sms.outbox.cancel import cancel
from sms.outbox.doubts import (
    ASK_AGAIN_AFTER,
    ASK_NO_MORE_AFTER,
    GIVE_UP_AFTER,
    LATE_BOUND,
    SILENT_AFTER,
    doubts,
    expire,
    give_up,
    known_sids,
    listed,
    not_listed,
    not_told,
    reap,
    silent,
)
from sms.outbox.erasing import FORGOTTEN, OnTheirWay, erase, forget
from sms.outbox.handover import (
    BURST,
    LEASE,
    RETRY_DELAYS,
    Outcome,
    claim,
    record,
)
from sms.outbox.night import keep_quiet
from sms.outbox.pauses import hold_paused, resume, suspend
from sms.outbox.promises import NOTHING_IN_THE_WAY, PROMISE, Promise, accept, values_of
from sms.outbox.receipts import receipt
from sms.outbox.repeats import NO_REPEAT, same_text
from sms.outbox.senders import hold, opt_in, opt_out, opt_out_all, pause, probe, release, untold
from sms.outbox.states import AWAKE, DECIDED, IN_VAIN, RANK, WAITING
from sms.outbox.suppressing import keep_unreadable

__all__ = [
    "AWAKE",
    "ASK_AGAIN_AFTER",
    "ASK_NO_MORE_AFTER",
    "FORGOTTEN",
    "DECIDED",
    "GIVE_UP_AFTER",
    "IN_VAIN",
    "BURST",
    "LATE_BOUND",
    "LEASE",
    "NOTHING_IN_THE_WAY",
    "NO_REPEAT",
    "OPEN",
    "OnTheirWay",
    "PROMISE",
    "Promise",
    "Outcome",
    "RANK",
    "RETRY_DELAYS",
    "SILENT_AFTER",
    "WAITING",
    "accept",
    "cancel",
    "claim",
    "doubts",
    "erase",
    "expire",
    "forget",
    "give_up",
    "hold",
    "hold_paused",
    "keep_quiet",
    "keep_unreadable",
    "known_sids",
    "listed",
    "not_listed",
    "not_told",
    "opt_in",
    "opt_out",
    "opt_out_all",
    "pause",
    "probe",
    "reap",
    "receipt",
    "record",
    "release",
    "resume",
    "same_text",
    "silent",
    "suspend",
    "untold",
    "values_of",
]

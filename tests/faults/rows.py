"""The catalogue: what is done to an installation, at which size, and how the row itself is known to bite."""

from __future__ import annotations

from tests.faults import figures, injectors
from tests.faults.run import Row, Rule
from tests.faults.site import Times

ALL_BROKERS = ("filesystem", "redis", "rabbitmq")
TWO_WORKERS = ("web", "worker", "worker-2", "beat")
# As long as a carrier takes, so that what is killed has texts in hand.
SLOW: Rule = ("answer_slow", {"seconds": 0.15})
# Of the texts in doubt, these must be found in the carrier's list.
SILENT: Rule = ("callbacks_dropped", {"probability": 0.3})


def _slow(times: Times) -> list[Rule]:
    return [SLOW]


def _slow_and_silent(times: Times) -> list[Rule]:
    return [SLOW, SILENT]


def _reset(times: Times) -> list[Rule]:
    return [("accept_then_reset", {}), SILENT]


def _server_error(times: Times) -> list[Rule]:
    return [("accept_then_500", {}), SILENT]


def _late(times: Times) -> list[Rule]:
    return [("accept_late", {"seconds": times.lateness}), ("list_lag", {"seconds": times.late / 2}), SILENT]


def _no_callbacks(times: Times) -> list[Rule]:
    return [("callbacks_dropped", {}), ("accept_then_reset", {"probability": 0.1}), SLOW]


def _shuffled_callbacks(times: Times) -> list[Rule]:
    return [("callbacks_shuffled", {"count": 5})]


def _few(messages: int) -> int:
    # Killed twice before the carrier had it: the product may not try a third time, and says "unknown".
    return messages // 50


ROWS = [
    Row(
        name="worker_children_killed",
        says="a random process of the worker's pool is killed every 150 ms",
        defect="reaper_requeues",
        full=(10_000, 60),
        short=(300, 4),
        inject=injectors.kill_children(0.15),
        misbehaviour=_slow_and_silent,
        # The product's own worker has threads; a pool of processes is for brokers that are servers.
        brokers=("redis", "rabbitmq"),
        short_broker="redis",
        pool=4,
        allowance=_few,
    ),
    Row(
        name="worker_groups_killed",
        says="a whole worker is killed every 2 s, and started again",
        defect="nobody_reaps",
        full=(5_000, 40),
        short=(300, 5),
        inject=injectors.kill_groups(2),
        misbehaviour=_slow_and_silent,
        brokers=ALL_BROKERS,
        processes=TWO_WORKERS,
        allowance=_few,
    ),
    Row(
        name="web_killed",
        says="the web server is killed with requests in it, which come again with their ids",
        defect="answers_forgotten",
        full=(5_000, 30),
        short=(300, 5),
        inject=injectors.kill_web(1),
    ),
    Row(
        name="broker_flushed",
        says="the broker is emptied every 5 s, with doorbells in it",
        defect="no_poller",
        full=(5_000, 40),
        short=(200, 3),
        inject=injectors.flush_broker(5),
        inject_short=injectors.flush_broker(1),
        brokers=ALL_BROKERS,
        allowance=_few,
    ),
    Row(
        name="redis_restarted_empty",
        says="Redis is killed and comes back empty, five times",
        defect="no_poller",
        full=(5_000, 40),
        short=(200, 4),
        inject=injectors.broker_outages(5, 5),
        inject_short=injectors.broker_outages(2, 1),
        brokers=("redis",),
        short_broker="redis",
    ),
    Row(
        name="rabbitmq_killed",
        says="the node of RabbitMQ is killed, three times",
        defect="no_claim",
        full=(5_000, 45),
        short=(200, 3),
        inject=injectors.broker_outages(3, 2),
        inject_short=injectors.broker_outages(1, 1),
        brokers=("rabbitmq",),
        short_broker="rabbitmq",
    ),
    Row(
        name="postgresql_killed",
        says="all of PostgreSQL is killed, five times",
        defect="commits_not_flushed",
        full=(5_000, 40),
        short=(300, 3),
        inject=injectors.kill_postgres(5, 2),
        inject_short=injectors.kill_postgres(2, 0.5),
        misbehaviour=_slow,
    ),
    Row(
        name="accepted_then_reset",
        says="the carrier takes each text and resets the connection",
        defect="doubt_is_retried",
        full=(2_000, 15),
        short=(150, 1),
        misbehaviour=_reset,
    ),
    Row(
        name="accepted_then_500",
        says="the carrier takes each text and answers 500",
        defect="doubt_is_retried",
        full=(2_000, 15),
        short=(150, 1),
        misbehaviour=_server_error,
    ),
    Row(
        name="accepted_late",
        says="the carrier takes each text after nobody waits for it any more, and lists it later still",
        defect="one_listing",
        full=(2_000, 15),
        short=(150, 1),
        misbehaviour=_late,
    ),
    Row(
        name="callbacks_dropped",
        says="no callback comes, and a tenth of the answers is lost",
        defect="nobody_lists",
        full=(2_000, 15),
        short=(150, 1),
        misbehaviour=_no_callbacks,
    ),
    Row(
        name="callbacks_shuffled",
        says="each callback comes five times, the last status first",
        defect="last_receipt_wins",
        full=(2_000, 15),
        short=(150, 1),
        misbehaviour=_shuffled_callbacks,
        everything_delivered=True,
    ),
    Row(
        name="worker_frozen",
        says="a worker is stopped after a claim, past its lease and until another has resolved its texts",
        defect="deadline_ignored",
        # Each time it must find texts to claim, and is frozen for some 20 s: more on a machine that is busy.
        full=(1_000, 120),
        short=(150, 1),
        inject=injectors.freeze_worker(3),
        inject_short=injectors.freeze_worker(1),
        # The worker that takes over is killed, too, with texts in hand.
        allowance=_few,
    ),
    Row(
        name="broker_hung",
        says="the broker takes connections and never answers: what a tool call waits",
        defect="doorbell_in_request",
        full=(4_000, 0),
        short=(400, 0),
        figure=figures.latency_with_black_hole,
        brokers=("redis",),
        short_broker="redis",
    ),
    Row(
        name="slow_account",
        says="one account is answered after 30 s: what another's text waits",
        defect="no_shares",
        full=(1_000, 0),
        short=(600, 0),
        figure=figures.slow_account,
    ),
    Row(
        name="stop_at_random",
        says="a STOP comes at a random moment of a text's life",
        defect="stop_checked_at_accept_only",
        full=(1_000, 0),
        short=(200, 0),
        figure=figures.stop_at_random,
    ),
]

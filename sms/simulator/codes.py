"""Twilio's error codes: what each one says, and the HTTP status that it comes with.

https://www.twilio.com/docs/api/errors
"""

OTHER_MESSAGE = "The carrier refused the message"
BAD_REQUEST = 400

# Where a message has a {}, Twilio repeats the offending value in it.
MESSAGES = {
    20003: "Authenticate",
    20005: "Account not active",
    20403: "Forbidden",
    20404: "The requested resource {} was not found",
    20422: "Invalid parameter {}",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service unavailable",
    21211: "The 'To' number {} is not a valid phone number.",
    21212: "The 'From' number {} is not a valid phone number, short code, or sender ID.",
    21408: "Permission to send an SMS has not been enabled for the region of the 'To' number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided is not a valid message-capable Twilio phone number",
    21608: "The number is unverified. Trial accounts cannot send messages to unverified numbers",
    21609: "The 'StatusCallback' URL {} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "The 'To' phone number is not currently reachable using the 'From' phone number",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21701: "The Messaging Service does not exist",
    21703: "The Messaging Service does not have a phone number associated with it",
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30017: "Carrier network congestion",
    30022: "US A2P 10DLC - rate limits exceeded",
    30032: "Toll-free number has not been verified",
    30034: "US A2P 10DLC - message from an unregistered number",
    30036: "Validity period expired",
    30410: "Provider timeout",
    30450: "Message delivery blocked",
    30500: "Twilio internal error",
    63038: "Account exceeded the daily messages limit",
    90007: "Invalid validity period value {}",
}

HTTP_STATUSES = {
    20003: 401,
    20005: 403,
    20006: 403,
    20008: 403,
    20403: 403,
    20404: 404,
    20429: 429,
    20500: 500,
    20503: 503,
    63038: 429,
}


def message(code: int, value: str = "") -> str:
    """What Twilio says for `code`, about `value` where the sentence has a place for one."""
    return MESSAGES.get(code, OTHER_MESSAGE).replace("{}", value)


def http_status(code: int) -> int:
    """The HTTP status that an answer with `code` has: 400 unless Twilio says otherwise."""
    return HTTP_STATUSES.get(code, BAD_REQUEST)

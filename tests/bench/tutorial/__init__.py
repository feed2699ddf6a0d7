"""What tutorials do: a Django model, a Celery task per message, twilio's sync client made in the task.

It is kind to them: a small table with one index instead of ours, no result backend, no TLS, no events.
"""

"""Django's PostgreSQL, whose connections wait no longer for the server than whoever uses them."""

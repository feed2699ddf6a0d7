"""What no text may give away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import confidential


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "Table 4, card 4111 1111 1111 1111, room 12",
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "123-45-6789",
        "Your verification code is 493021",
        "493021 is your Google verification code",
        "G-493021 is your login code",
        "OTP: 4821",
        "Your PIN is 1234",
        # Without a dot.
        "Your pın is 1234",
        "CVV 123",
        "One-time password: 881244",
        "sk_live_abcdefgh1234",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_it_is_found(text):
    assert confidential.found(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "Your confirmation code is 48213",
        "Booking code: 123456, door code 4821",
        "Use voucher code 1234",
        "DE89 3704 0044 0532 0130 01",
        "Order 1234567890123456",
        "000-45-6789",
        "Pin your hopes on 3 of 4",
        "https://example.com/bookings/a-long-path-to-somewhere",
        "Tell nobody your PIN.",
    ],
)
def test_what_only_looks_like_it_is_none(text):
    assert not confidential.found(text)


@given(st.text(max_size=200))
def test_any_text_can_be_looked_through(text):
    confidential.found(text)

"""A carrier on this machine: Twilio's Messages API, signed callbacks, and a phone to look at."""

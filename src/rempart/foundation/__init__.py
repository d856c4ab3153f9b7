"""The ground's stones: the trade's vocabulary, identifiers, clock, errors, settings, logs. No I/O rule of the trade lives here."""

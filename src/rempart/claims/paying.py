"""Who pays: read from the worker's settings, which alone name the key that opens bank accounts."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from rempart.claims.settlement import Payer
from rempart.foundation.settings import BadSettings, WorkerSettings, read_secret_bytes


def payer_of(settings: WorkerSettings) -> Payer:
    """The payer of these settings. Raises BadSettings when they settle nothing: no key, no outbox, or no account that pays."""
    if settings.settlement_key is None or settings.outbox_folder is None or not settings.debtor_iban:
        raise BadSettings("settlement_key, outbox_folder and debtor_iban are needed to settle")
    try:
        key = X25519PrivateKey.from_private_bytes(read_secret_bytes(settings.settlement_key))
    except (OSError, ValueError) as error:
        raise BadSettings("settlement_key: an X25519 private key in base64 is expected") from error
    return Payer(settings.debtor_name, settings.debtor_iban, key, settings.outbox_folder, settings.funds_days)

"""Programs that are told of every change of consent, in order, signed, at least once (webhooks)."""

"""Attacks on releases: ours, and those of others, so that it is known what they can do."""

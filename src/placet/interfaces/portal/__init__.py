"""The customer's pages: read, decide, take back, and see everything that is on record."""

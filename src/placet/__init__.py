"""Placet: what each customer agreed to, proved and obeyed."""

__version__ = "0.1.0"

"""Counting: from events of those who said yes to whole numbers over public axes, on one machine or on a cluster."""

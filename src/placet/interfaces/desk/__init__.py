"""The service desk: agents act for a customer who is there, on the phone, or has written."""

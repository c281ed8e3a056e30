"""What a person may demand of us (GDPR Art. 12-22), across every room."""

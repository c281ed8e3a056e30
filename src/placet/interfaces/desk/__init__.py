"""The pages of the service desk: a customer's record, opened for a reason and a while, and what they ask for."""

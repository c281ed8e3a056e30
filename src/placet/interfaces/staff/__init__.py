"""Staff: signing in, one's own account, the members; and the door and frame that desk and console stand behind."""

"""Sources, their reports and documents over REST."""

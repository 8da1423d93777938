"""Dashboard pages about what bots read: doors that call services, one module per page."""

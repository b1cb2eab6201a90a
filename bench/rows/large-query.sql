SELECT id, title, body FROM large

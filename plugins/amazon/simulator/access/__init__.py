"""Who may call: applications, sellers, grants, tokens, roles, limits."""

"""How somebody proves who they are: passwords, links, second factors, and what is tried in vain."""

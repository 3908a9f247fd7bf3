"""Everything a call of a cart needs: settings, declared fields, context, token."""

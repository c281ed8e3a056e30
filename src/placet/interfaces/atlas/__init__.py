"""The atlas: what everybody may see of how people move."""

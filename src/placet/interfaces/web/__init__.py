"""The shell that portal, desk and console stand on: templates, style, languages, forms and security headers."""

"""How Sphinx builds the documentation: ``make docs``."""  # noqa: INP001 - Sphinx reads this file; it is no package

from eew import __version__

project = "eew"
author = "the eew authors"
project_copyright = "the eew authors, Apache-2.0"
version = release = __version__

extensions = ["myst_parser"]
exclude_patterns = ["schemas"]
# References that lead nowhere are warnings, and `make docs` makes warnings errors.
nitpicky = True
myst_heading_anchors = 3
# Files of the contract, beside the pages that link to them.
html_extra_path = ["asyncapi.yaml"]

html_theme = "pydata_sphinx_theme"
html_title = "eew"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "announcement": "A simulator: this is not a warning service. It alerts nobody; never rely on it for safety.",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
}

"""How the documentation is built: ``make docs``; see docs/extending/index.md for what is in it."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import neurosim  # noqa: E402  (of this folder, whatever is installed)

project = "neurosim"
author = "The neurosim developers"
version = release = neurosim.__version__

extensions = [
    *("myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"),
    *("mathml", "citations", "file_keys", "members", "notebooks"),
]
exclude_patterns = ["_build"]
templates_path = []

# Markdown. Notebooks are shown as they were last run: `python tools/tutorials.py` and the tests run them.
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4

# Docstrings.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False  # a type in words is no link
napoleon_custom_sections = [("Attributes", "params_style")]  # several names may share a line
python_maximum_signature_line_length = 88

# Pages that ask for nothing from elsewhere: equations are MathML in the page, furo brings its own style and no fonts.
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"neurosim {release}"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1F6FB2", "color-brand-content": "#1F6FB2"},
    "dark_css_variables": {"color-brand-primary": "#7fb6e6", "color-brand-content": "#7fb6e6"},
}
html_static_path = ["_static"]
html_css_files = ["neurosim.css"]

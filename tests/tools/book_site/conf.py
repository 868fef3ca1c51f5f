"""Sphinx's settings for the book, and the four things that it does not do by itself.

Formulas become MathML while the book is built, painted by a font that lies beside the pages; an equation's number in
the text becomes a link; tables scroll inside their page; what the search finds is shown with the words around it.
"""

import html
import json
import logging
import re
from importlib import resources
from pathlib import Path

from docutils import nodes
from fontTools import subset
from math_core import LatexToMathML
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

project = "ganlab"
author = "the ganlab course"
copyright = "the ganlab course. Text and figures CC BY 4.0, code MIT"
extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["site"]
language = "en"

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
add_module_names = False

html_theme = "furo"
html_title = "ganlab: how machines generate images"
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_show_search_summary = False  # it fetches pages, which no page from a file may: see `write_texts`
copybutton_selector = "div.highlight-ipython3 pre"

TAG = re.compile(r"\\tag\*?\{([^}]*)\}")
NUMBER = re.compile(r"(?<![\w)])\((A?\d+[a-z]?\.\d+)\)")  # of an equation, where the text refers to it
AS_THEY_ARE = (
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.reference,
    nodes.title,
)
CONVERTER = LatexToMathML()
MAIN = re.compile(r'<article role="main".*?</article>', re.DOTALL)
NO_PROSE = re.compile(r'<(script|style|pre)\b.*?</\1>|<a class="headerlink".*?</a>', re.DOTALL)
BLOCK_END = re.compile(r"</(?:p|h\d|li|div|t[dhr]|pre|summary|figcaption|d[td])>")
logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every sign
# What browsers paint for the single letters of a formula: a, h and alpha become italic signs of their own.
ITALIC = "".join(map(chr, [*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C), 0x210E, 0x1D6A4, 0x1D6A5]))


def mathml(tex: str, *, block: bool) -> str:
    """Return a formula as MathML; math_core.LatexError for what it does not know, which ends the build."""
    return CONVERTER.convert_with_local_state(TAG.sub("", tex), displaystyle=block)


def inline_formula(translator: nodes.NodeVisitor, node: nodes.math) -> None:
    """Write a formula in the text."""
    translator.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def displayed_formula(translator: nodes.NodeVisitor, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, with its number, which is a link to itself."""
    tex = node.astext()
    number = TAG.search(tex)
    shown = f'<div class="formula">{mathml(tex, block=True)}</div>'
    if number:
        name = html.escape(number[1])
        shown += f'<a class="number" href="#eq-{name}" aria-label="Equation {name}">({name})</a>'
    opening = f'<div class="equation" id="eq-{html.escape(number[1])}">' if number else '<div class="equation">'
    translator.body.append(f"{opening}{shown}</div>\n")
    raise nodes.SkipNode


class EquationLinks(SphinxPostTransform):
    """Make links of the numbers of equations, such as (3.8), to the page and the place where each stands."""

    default_priority = 900

    def run(self) -> None:
        places = getattr(self.env, "equations", {})
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(
                text.parent, nodes.literal | nodes.math | nodes.math_block | nodes.literal_block | nodes.title
            ):
                continue
            if isinstance(text.parent, nodes.reference | nodes.raw) or not NUMBER.search(text):
                continue
            text.parent.replace(text, self.pieces(text, places))

    def pieces(self, text: str, places: dict[str, str]) -> list[nodes.Node]:
        pieces, end = [], 0
        for found in NUMBER.finditer(text):
            if found[1] in places:
                page = self.app.builder.get_relative_uri(self.env.docname, places[found[1]])
                link = nodes.reference("", found[0], internal=True, refuri=f"{page}#eq-{found[1]}")
                pieces += [nodes.Text(text[end : found.start()]), link]
                end = found.end()
        return [*pieces, nodes.Text(text[end:])]


def collect_equations(app: Sphinx, document: nodes.document) -> None:
    """Remember on which page each numbered equation stands."""
    if not hasattr(app.env, "equations"):
        app.env.equations = {}
    for formula in document.findall(nodes.math_block):
        for number in TAG.findall(formula.astext()):
            app.env.equations[number] = app.env.docname


def write_font(app: Sphinx, error: Exception | None) -> None:
    """Write the letters and signs that the pages' formulas have, from STIX Two Math, as a font beside the pages."""
    if error:
        return
    pages = [path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html")]
    formulas = "".join(one for page in pages for one in re.findall(r"<math.*?</math>", page, re.DOTALL))
    options = subset.Options(flavor="woff", layout_features=["*"])
    with resources.as_file(resources.files("ziamath") / "fonts" / "STIXTwoMath-Regular.ttf") as path:
        font = subset.load_font(path, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=html.unescape(re.sub("<[^>]*>", "", formulas)) + ITALIC)
    subsetter.subset(font)
    subset.save_font(font, str(Path(app.outdir) / "_static" / "math.woff"), options)


def write_texts(app: Sphinx, error: Exception | None) -> None:
    """Write the prose of each page as a script, which a page opened from a file may load: the search quotes from it."""
    if error:
        return
    for path in Path(app.outdir).rglob("*.html"):
        if shown := MAIN.search(path.read_text(encoding="utf-8")):
            words = re.sub(r"<[^>]*>", "", BLOCK_END.sub(" ", NO_PROSE.sub("", shown[0])))
            name = path.relative_to(app.outdir).with_suffix("").as_posix()
            script = Path(app.outdir) / "_static" / "texts" / f"{name}.js"
            script.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(" ".join(html.unescape(words).split()), ensure_ascii=False)
            script.write_text(f"texts[{json.dumps(name)}] = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register what is here."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    app.add_post_transform(EquationLinks)
    app.connect("doctree-read", collect_equations)
    app.connect("build-finished", write_font)
    app.connect("build-finished", write_texts)


html_math_renderer = "mathml"

"""An executed notebook as an HTML page, for those who only read: pictures inside, no Python or Jupyter needed."""

from __future__ import annotations

from pathlib import Path

from nbconvert import HTMLExporter

from ..base.files import write_text


def save_page(executed: Path) -> Path:
    """Write the page of an executed notebook beside it. Only its equations ask the network, for MathJax."""
    exporter = HTMLExporter(exclude_input_prompt=True, exclude_output_prompt=True)
    html, _ = exporter.from_filename(str(executed))
    page = executed.with_suffix(".html")
    write_text(page, html)
    return page

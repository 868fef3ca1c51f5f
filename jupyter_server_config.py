"""What JupyterLab is told: `jupyter lab --config=jupyter_server_config.py` in this folder, on every system.

`make lab` gives this command, and `python -m ganlab lessons` before it, which makes the student's copies in work/.
"""

from pathlib import Path
from typing import Any

c = get_config()  # noqa: F821 - Jupyter provides it
ROOT = Path(__file__).resolve().parent
FIRST = "work/00_start_here.ipynb"
# What was open where, kept here: by default all JupyterLabs of a user share one folder for it.
WORKSPACES = ROOT / "work" / ".workspaces"


def without_announcements(handler: Any, page_config: dict[str, Any]) -> dict[str, Any]:
    """Switch off what asks whether to fetch news, and fetches versions: requirements.lock decides on these."""
    disabled = [*page_config["disabledExtensions"], "@jupyterlab/apputils-extension:announcements"]
    return {**page_config, "disabledExtensions": disabled}


c.ServerApp.root_dir = str(ROOT)  # so that a lesson's links to data sheets and to the package can be opened
c.ServerApp.jpserver_extensions = {"ganlab.nodelay": True}  # sliders answer sooner, see ganlab/nodelay.py
c.ServerApp.tornado_settings = {
    "page_config_hook": without_announcements,
    "static_custom_path": [str(ROOT / "ganlab" / "runtime" / "lab_style")],  # figures and tables in a narrow window
}
c.LabApp.custom_css = True
c.LabApp.workspaces_dir = str(WORKSPACES)
# The first time the first lesson; from then on, JupyterLab opens again what was open.
begins = (ROOT / FIRST).is_file() and not any(WORKSPACES.glob("*.jupyterlab-workspace"))
c.LabApp.default_url = f"/lab/tree/{FIRST}" if begins else "/lab"

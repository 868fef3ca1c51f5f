"""What JupyterLab is told when it is started in this folder; it reads this file by itself, on every system.

`make lab` runs `python -m ganlab lessons` first, which makes the student's copies of the lessons in work/.
"""

from pathlib import Path

c = get_config()  # noqa: F821 - Jupyter provides it
ROOT = Path(__file__).resolve().parent
FIRST = "work/00_start_here.ipynb"
# What was open where, kept here: by default all JupyterLabs of a user share one folder for it.
WORKSPACES = ROOT / "work" / ".workspaces"

c.ServerApp.root_dir = str(ROOT)  # so that a lesson's links to data sheets and to the package can be opened
c.ServerApp.jpserver_extensions = {"ganlab.nodelay": True}  # sliders answer sooner, see ganlab/nodelay.py
c.LabApp.news_url = None  # no question about news, and nothing is asked of a network
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"  # requirements.lock decides on versions
c.LabApp.workspaces_dir = str(WORKSPACES)
# The first time the first lesson; from then on, JupyterLab opens again what was open.
begins = (ROOT / FIRST).is_file() and not any(WORKSPACES.glob("*.jupyterlab-workspace"))
c.LabApp.default_url = f"/lab/tree/{FIRST}" if begins else "/lab"

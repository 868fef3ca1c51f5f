"""An extension of Jupyter's server: each message of a kernel goes to the browser at once, so sliders answer sooner.

Without it the system holds a small message back until the browser has acknowledged the one before (Nagle's algorithm,
RFC 896), and browsers let that wait up to 40 ms (delayed acknowledgement, RFC 1122, 4.2.3.2). A slider's callback sends
several: that the kernel is busy, the picture, a text. The course's own server has it on, by jupyter_server_config.py;
other servers of the environment stay as they are. What a proxy between server and browser does is its own affair.
"""

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "ganlab.nodelay"}]


def _load_jupyter_server_extension(app: Any) -> None:
    """Let connections to kernels, of whatever class they are, switch TCP_NODELAY on when a browser has connected."""
    settings = app.web_app.settings
    usual = settings["kernel_websocket_connection_class"]

    class Connection(usual):
        def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return super().connect()

    settings["kernel_websocket_connection_class"] = Connection

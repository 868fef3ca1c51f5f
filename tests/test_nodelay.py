"""The extension of Jupyter's server: installed with the package, and TCP_NODELAY is on from when a kernel connects."""

import asyncio
import socket
from types import SimpleNamespace

from jupyter_core.paths import jupyter_config_path
from jupyter_server.extension.config import ExtensionConfigManager
from jupyter_server.extension.manager import ExtensionPackage
from tornado import httpserver, testing, web, websocket

from ganlab import nodelay


def test_jupyter_finds_it_because_the_package_is_installed() -> None:
    assert ExtensionConfigManager(read_config_path=jupyter_config_path()).enabled("ganlab.nodelay")
    assert ExtensionPackage(name="ganlab.nodelay", enabled=True).validate()


def on(handler: websocket.WebSocketHandler) -> bool:
    """Return whether TCP_NODELAY is on for the socket to a browser."""
    return bool(handler.ws_connection.stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


class Usual:
    """In place of Jupyter's connection to a kernel."""

    def __init__(self, websocket_handler: websocket.WebSocketHandler) -> None:
        self.websocket_handler = websocket_handler

    def connect(self) -> str:
        return f"connected with {on(self.websocket_handler)}"


class Handler(websocket.WebSocketHandler):
    """In place of Jupyter's, which makes the connection in the same way."""

    def open(self) -> None:
        before = on(self)
        self.write_message(f"{before}, {self.settings['kernel_websocket_connection_class'](self).connect()}")


def test_it_is_on_when_a_kernel_connects() -> None:
    async def told() -> str:
        app = web.Application([("/", Handler)], kernel_websocket_connection_class=Usual)
        nodelay._load_jupyter_server_extension(SimpleNamespace(web_app=app))
        listening, port = testing.bind_unused_port()
        server = httpserver.HTTPServer(app)
        server.add_socket(listening)
        browser = await websocket.websocket_connect(f"ws://127.0.0.1:{port}/")
        message = await browser.read_message()
        browser.close()
        server.stop()
        return message

    assert asyncio.run(told()) == "False, connected with True"

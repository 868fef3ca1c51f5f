"""The extension of Jupyter's server: on where the course runs, and TCP_NODELAY is on from when a kernel connects."""

import asyncio
import inspect
import socket
from types import SimpleNamespace

import browser
from jupyter_server.extension.manager import ExtensionPackage
from jupyter_server.serverapp import ServerApp
from tornado import httpserver, testing, web, websocket

from ganlab import nodelay

NODELAY = "--ServerApp.jpserver_extensions=ganlab.nodelay=True"


def test_it_is_an_extension_that_a_server_is_asked_for_by_a_flag() -> None:  # test_installed.py: and by nothing else
    assert ExtensionPackage(name="ganlab.nodelay", enabled=True).validate()
    app = ServerApp()
    app.parse_command_line([NODELAY])
    assert app.jpserver_extensions == {"ganlab.nodelay": True}


def test_the_tests_in_a_browser_switch_it_on() -> None:  # test_course_in_lab.py: and so does the course's own server
    assert NODELAY in inspect.getsource(browser)


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
        reader = await websocket.websocket_connect(f"ws://127.0.0.1:{port}/")
        message = await reader.read_message()
        reader.close()
        server.stop()
        return message

    assert asyncio.run(told()) == "False, connected with True"

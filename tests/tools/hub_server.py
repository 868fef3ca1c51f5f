"""A JupyterHub that lives for one run, and its users: system users of this machine who act by HTTP, with tokens.

hub.py uses it. Needs Linux, root, jupyterhub and configurable-http-proxy.
"""

import json
import pwd
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import limits
import psutil
import requests
import websocket

SECONDS = limits.scaled(30)  # that anything may take
HUB = """
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_port = {ports[1]}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.JupyterHub.authenticator_class = "dummy"  # nobody logs in: all come with tokens
c.JupyterHub.services = [{{"name": "office", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{"name": "office", "scopes": ["admin:users", "admin:servers", "tokens"], "services": ["office"]}}
]
c.Spawner.http_timeout = c.Spawner.start_timeout = {seconds}
"""


class Person:
    """A user of the hub, who does what their token allows and nothing else."""

    def __init__(self, name: str, hub: str, office: str) -> None:
        self.name, self.server, self.on_hub = name, f"{hub}/user/{name}", f"{hub}/hub/api/users/{name}"
        self.home = Path(pwd.getpwnam(name).pw_dir)
        self.headers = {"Authorization": f"token {office}"}
        self.ask("POST", self.on_hub)
        self.headers = {"Authorization": f"token {self.ask('POST', f'{self.on_hub}/tokens')['token']}"}

    def ask(self, method: str, url: str, **options) -> dict | list | None:
        """Send a request, to the own server where the address has no host; return the JSON of the answer."""
        url = url if "://" in url else f"{self.server}/{url}"
        answer = requests.request(method, url, headers=self.headers, timeout=SECONDS, **options)
        assert answer.ok, f"{method} {url}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def start(self) -> None:
        self.ask("POST", f"{self.on_hub}/server")
        wait(lambda: self.ask("GET", self.on_hub)["servers"].get("", {}).get("ready"), f"the server of {self.name}")

    def type(self, command: str) -> tuple[int, str]:
        """Type a command into a terminal of the own server; return its exit status and what it printed."""
        terminal, text = self.ask("POST", "api/terminals")["name"], ""
        address = f"{self.server.replace('http', 'ws', 1)}/terminals/websocket/{terminal}"
        line = websocket.create_connection(address, header=self.headers, timeout=SECONDS)
        line.send(json.dumps(["stdin", f'{command}; echo "status:$?"\r']))
        while not (status := re.search(r"status:(\d+)", text)):
            kind, *words = json.loads(line.recv())
            text += words[0] if kind == "stdout" else ""
        line.close()
        self.ask("DELETE", f"api/terminals/{terminal}")
        return int(status[1]), text

    def cannot(self, *paths: Path, url: str) -> None:
        """Check that none of the paths can be listed, and that the address, on another's server, is closed."""
        for path in paths:
            status, text = self.type(f"ls {path}")
            assert status and "Permission denied" in text, f"{self.name} reads {path}: {text}"
        assert requests.get(url, headers=self.headers, timeout=SECONDS).status_code == 403, url


@contextmanager
def system_user(name: str, homes: Path) -> Iterator[None]:
    """Make a system user with a home that others cannot enter; end and remove it afterwards."""
    subprocess.run(["useradd", "--create-home", "--home-dir", homes / name, "--shell", "/bin/bash", name], check=True)
    (homes / name).chmod(0o700)
    number = pwd.getpwnam(name).pw_uid
    try:
        yield
    finally:
        left = [process for process in psutil.process_iter() if process.uids().real == number]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=limits.scaled(5))
        subprocess.run(["userdel", name], check=True)


@contextmanager
def running_hub(folder: Path, settings: str) -> Iterator[tuple[str, str]]:
    """Run a hub in a folder of its own; give its address, and the token that makes users."""
    folder.mkdir(mode=0o700)
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [probe.getsockname()[1] for probe in probes]
    token, address, log = secrets.token_hex(), f"http://127.0.0.1:{ports[0]}", folder / "log"
    (folder / "jupyterhub_config.py").write_text(
        HUB.format(token=token, ports=ports, seconds=limits.scaled(15)) + settings
    )
    with log.open("w") as output:
        hub = subprocess.Popen([sys.executable, "-m", "jupyterhub"], cwd=folder, stdout=output, stderr=output)
    try:
        wait(lambda: hub.poll() is not None or answers(f"{address}/hub/api/"), "the hub")
        yield address, token
    except BaseException:
        print(log.read_text()[-5000:], file=sys.stderr)
        raise
    finally:
        hub.terminate()  # it ends the servers and the proxy with itself
        hub.wait(timeout=limits.scaled(10))


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=limits.scaled(1)).ok
    except requests.RequestException:
        return False


def wait(ready: Callable[[], bool], what: str) -> None:
    limits.wait_until(ready, f"started: {what}", seconds=15, pause=0.3)

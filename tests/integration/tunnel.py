"""An HTTP proxy as companies have: tunnels by CONNECT, for a user with a password."""

import base64
import select
import socket
import threading


class Tunnel:
    """Lets `user` with `password` through, to wherever. `heads` has the head of each request."""

    def __init__(self, user, password):
        self.expected = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            head = b""
            while b"\r\n\r\n" not in head and (more := client.recv(4096)):
                head += more
            self.heads.append(head.decode())
            if f"Proxy-Authorization: Basic {self.expected}\r\n" not in self.heads[-1]:
                client.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n"
                               b"Content-Length: 0\r\n\r\n")
                return
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
                relay(client, server)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def relay(one, other):
    while True:
        for ready in select.select([one, other], [], [])[0]:
            try:
                more = ready.recv(65536)
            except OSError:
                more = b""
            if not more:
                return
            (other if ready is one else one).sendall(more)

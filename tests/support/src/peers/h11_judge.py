"""Reads HTTP/1.1 requests with h11, which takes nothing that RFC 9112 does not allow, and answers each with what it read.

    python3 h11_judge.py PORT

The answer is a JSON object with method, target, version, headers, trailers, body (text in Latin-1, a character a byte) and its
length, and the number of the connection and of the request on it; or, for what is not a request, a 400 with the reason. An answer to
HEAD has it in the field X-Judged, with the beginning of the body and its length.
"""

import itertools
import json
import socket
import sys
import threading

import h11

CONNECTIONS = itertools.count()


def text(data):
    return bytes(data).decode("latin-1")


def fields(headers):
    return [[text(name), text(value)] for name, value in headers.raw_items()]


class Judge:
    def __init__(self, stream):
        self.stream = stream
        self.h11 = h11.Connection(h11.SERVER)
        self.number = next(CONNECTIONS)

    def next_event(self):
        while True:
            event = self.h11.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self.h11.they_are_waiting_for_100_continue:
                self.send(h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
            self.h11.receive_data(self.stream.recv(65536))

    def send(self, event):
        data = self.h11.send(event)
        if data:
            self.stream.sendall(data)

    def answer(self, status, verdict, head=False):
        body = json.dumps(verdict).encode("ascii")
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        if head:
            headers.append(("X-Judged", body))
        self.send(h11.Response(status_code=status, headers=headers))
        if not head:
            self.send(h11.Data(data=body))
        self.send(h11.EndOfMessage())

    def one_request(self, nth):
        request = self.next_event()
        if not isinstance(request, h11.Request):
            return False
        body = []
        while True:
            event = self.next_event()
            if isinstance(event, h11.EndOfMessage):
                break
            body.append(bytes(event.data))
        body = b"".join(body)
        length = len(body)
        if request.method == b"HEAD":
            body = body[:256]
        verdict = {
            "method": text(request.method),
            "target": text(request.target),
            "version": text(request.http_version),
            "headers": fields(request.headers),
            "trailers": fields(event.headers) if hasattr(event.headers, "raw_items") else list(event.headers),
            "body": text(body),
            "length": length,
            "connection": self.number,
            "nth": nth,
        }
        self.answer(200, verdict, head=request.method == b"HEAD")
        return True

    def serve(self):
        try:
            for nth in itertools.count():
                if not self.one_request(nth) or self.h11.our_state is not h11.DONE:
                    return
                if self.h11.their_state is not h11.DONE:
                    return
                self.h11.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if self.h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                self.answer(400, {"error": str(error)})
        except OSError:
            pass
        finally:
            self.stream.close()


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
    while True:
        stream, _ = listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.settimeout(30)
        threading.Thread(target=Judge(stream).serve, daemon=True).start()


main()

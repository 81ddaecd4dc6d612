"""Keycloak's authentication channel: what sends a CIBA request to a person's device. Here it is kept in a folder, for the test.

channel.py FOLDER PORT: each POST becomes FOLDER/NUMBER.json, {"authorization": …, "request": …}; the person answers at Keycloak's
callback, with that authorization.
"""
import http.server
import json
import os
import sys


class Channel(http.server.BaseHTTPRequestHandler):
    count = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Channel.count += 1
        path = os.path.join(sys.argv[1], "%d.json" % Channel.count)
        with open(path + ".new", "w") as file:
            json.dump({"authorization": self.headers.get("Authorization"), "request": json.loads(body)}, file)
        os.rename(path + ".new", path)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Channel).serve_forever()

"use strict";
// The hello service: greets, and says its version and the machine it runs on. Needs node.js and nothing else.

const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");

const greeting = process.env.GREETING || "Hello";
const port = Number(process.env.PORT || 8080);
const version = readVersion();
let stopping = false;

function readVersion() {
  try {
    return fs.readFileSync(path.join(__dirname, "version"), "utf8").trim();
  } catch {
    return "unpackaged"; // started from the sources
  }
}

function answer(request, response) {
  const { pathname } = new URL(request.url, "http://hello");
  if (stopping) {
    response.setHeader("Connection", "close"); // the client goes elsewhere with its next request
  }
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  if (pathname === "/healthz") {
    response.end("ok\n");
  } else if (pathname === "/") {
    response.end(`${greeting} from hello ${version} on ${os.hostname()}\n`);
  } else {
    response.statusCode = 404;
    response.end("not found\n");
  }
}

const server = http.createServer(answer);
// Longer than a load balancer keeps an idle connection: it must be the one that closes it.
server.keepAliveTimeout = 75_000;

// Ends without losing a request: no new connections, open requests are finished, idle connections closed.
function stop() {
  if (stopping) {
    return;
  }
  stopping = true;
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), 50);
  console.log("stopping: finishing open requests");
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
server.listen(port, () => console.log(`hello ${version} listens on port ${port}`));

// The scripted agent once more, in Node as most products are: both protocols by hand, no packages.
// node acp_novice.mjs PROGRAM.py MODE [WHAT-TO-LOOK-FOR...]; MODE: work, or die (in its first trial).
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import readline from "node:readline";

const [programFile, mode, ...outside] = process.argv.slice(2);
const TOO_FAR = ["LIMIT", "IK_FAILED", "PLANNING_ERROR", "COLLISION", "NOT_CONVERGED", "BLOCKED"];

class Peer {
  // One end of a JSON-RPC conversation, a message a line.
  constructor(source, sink, heard) {
    this.sink = sink;
    this.heard = heard;
    this.waiting = new Map();
    this.next = 1;
    readline.createInterface({ input: source }).on("line", (line) => this.take(JSON.parse(line)));
  }
  send(message) {
    this.sink.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
  }
  ask(method, params) {
    const id = this.next++;
    this.send({ id, method, params });
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }
  async take(message) {
    if (message.method === undefined) {
      const { resolve, reject } = this.waiting.get(message.id) ?? {};
      this.waiting.delete(message.id);
      return message.error ? reject?.(new Error(message.error.message)) : resolve?.(message.result);
    }
    const result = await this.heard?.(message.method, message.params ?? {});
    if (message.id !== undefined) this.send({ id: message.id, result: result ?? {} });
  }
}

const read = (text) => JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));

function reaches(host, port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 1500 });
    const end = (told) => (socket.destroy(), resolve(told));
    socket.on("connect", () => end(true)).on("error", () => end(false)).on("timeout", () => end(false));
  });
}

async function lookAround() {
  const seen = outside.filter((path) => fs.existsSync(path));
  if (await reaches("192.0.2.1", 443)) seen.push("network");
  const keys = Object.keys(process.env).filter((name) => name.endsWith("_API_KEY"));
  const home = fs.readdirSync(os.homedir());
  return `looked around as ${process.getuid()}, saw: ${seen.join(", ") || "nothing"}; home [${home}]; keys ${keys}`;
}

function mended(program, detail, names) {
  const lines = program.split("\n");
  const at = detail.line - 1;
  if (TOO_FAR.includes(detail.status)) {
    const largest = lines[at].match(/(?<![\w.])\d+\.\d+/g).sort((a, b) => b - a)[0];
    lines[at] = lines[at].replace(largest, String(largest / 2));
    return [lines.join("\n"), `${largest} m is too far`];
  }
  const wrong = Object.values(detail.args).find((value) => typeof value === "string");
  const words = new Set(wrong.split(" "));
  const shared = (name) => name.split(" ").filter((word) => words.has(word)).length;
  const right = [...names].sort((a, b) => shared(b) - shared(a))[0];
  return [program.replaceAll(`"${wrong}"`, `"${right}"`), `the task knows a ${right}, no ${wrong}`];
}

async function work(use) {
  const task = read(await use("task", {}));
  let program = fs.readFileSync(programFile, "utf8");
  let [parent, why, done] = [undefined, "the plain program", []];
  const before = [...(await use("leaderboard", {})).matchAll(/^(\d+)(?: from \d+)? \w+: /gm)];
  if (before.length) {  // a run that is taken up again: on from what stands
    parent = Math.max(...before.map((row) => Number(row[1])));
    program = (await use("program", { hypothesis: parent })).split("\n").slice(1, -1).join("\n") + "\n";
    why = "once more, after it was broken off";
  }
  for (let round = 0; round < 4; round++) {
    const claim = { claim: why, difference: parent ? "one line" : "first", if_wrong: "it fails again" };
    parent = read(await use("open_hypothesis", { ...claim, program, parent })).hypothesis;
    if (mode === "die") setTimeout(() => process.exit(3), 300);
    const ran = await use("run", { hypothesis: parent, seed_indices: [0], bench: true });
    const [, trial, outcome] = ran.match(/trial (\d+) (\w+)/);
    if (outcome === "PASS") break;
    const index = (text) => [...text.matchAll(/^\s*(\d+) line (\d+)\s+(\w+)\s/gm)];
    const shown = index(ran);
    const rows = shown.length ? shown : index(await use("calls", { trial: Number(trial) }));
    const bad = rows.find((row) => row[3] !== "OK");
    const detail = read(await use("call", { trial: Number(trial), call: Number(bad[1]) }));
    [program, why] = mended(program, detail, task.objects.map((thing) => thing.name));
    done.push(`${detail.primitive} ${detail.status} at line ${detail.line}: ${why}`);
  }
  await use("finish", { best: parent, summary: done.join("; ") || "nothing to mend" });
}

let server;
const client = new Peer(process.stdin, process.stdout, async (method, params) => {
  if (method === "initialize") {
    return { protocolVersion: params.protocolVersion, agentInfo: { name: "node-novice", version: "1" } };
  }
  if (method === "session/new") {
    server = params.mcpServers[0];
    return { sessionId: "s1" };
  }
  if (method !== "session/prompt") return {};
  const update = (update) =>
    client.send({ method: "session/update", params: { sessionId: params.sessionId, update } });
  update({ sessionUpdate: "plan", entries: [{ content: "run, read, mend", priority: "high", status: "pending" }] });
  const asked = await client.ask("session/request_permission", {
    sessionId: params.sessionId,
    toolCall: { toolCallId: "own1", title: "npm test", kind: "execute" },
    options: [
      { optionId: "y", name: "Allow", kind: "allow_once" },
      { optionId: "n", name: "Deny", kind: "reject_once" },
    ],
  });
  const title = await lookAround();
  update({ sessionUpdate: "tool_call", toolCallId: "own1", title, kind: "execute", status: "completed" });
  const relay = spawn(server.command, server.args, { stdio: ["pipe", "pipe", "inherit"] });
  const tools = new Peer(relay.stdout, relay.stdin);
  await tools.ask("initialize", {
    protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "node-novice", version: "1" },
  });
  tools.send({ method: "notifications/initialized" });
  await work(async (name, args) => {
    const got = await tools.ask("tools/call", { name, arguments: args });
    const text = got.content.filter((c) => c.type === "text").map((c) => c.text).join("\n");
    if (got.isError) throw new Error(`${name}: ${text}`);
    return text;
  });
  update({
    sessionUpdate: "agent_message_chunk",
    content: { type: "text", text: `permission ${asked.outcome.optionId === "y" ? "given" : "denied"}` },
  });
  relay.stdin.end();
  return {
    stopReason: "end_turn",
    usage: { totalTokens: 1150, inputTokens: 1000, outputTokens: 50, cachedReadTokens: 100 },
  };
});

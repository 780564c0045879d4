"""Move a joint of a cell/1 cell a little: cell_client.py HOST PORT HOST.key OUR.key_secret"""
import itertools, struct, sys, threading, time, uuid
import msgspec, zmq, zmq.auth
numbers, me, sess, lease = itertools.count(), uuid.uuid4().hex, "", ""
def connected(offset):
    socket = zmq.Context.instance().socket(zmq.DEALER); socket.linger = 0
    socket.curve_serverkey, _ = zmq.auth.load_certificate(sys.argv[3])
    socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(sys.argv[4])
    socket.connect(f"tcp://{sys.argv[1]}:{int(sys.argv[2]) + offset}"); return socket
def ask(socket, op, expires_ns=0, **fields):
    request = dict(v=1, id=f"{me}-{next(numbers)}", sess=sess, lease=lease, role="operator",
                   who="example", expires_ns=expires_ns, body=dict(op=op, **fields))
    for _ in range(3):  # Asked again with the same id: the host acts once.
        socket.send(msgspec.msgpack.encode(request))
        while socket.poll(2000):
            reply = msgspec.msgpack.decode(socket.recv())
            if reply["id"] != request["id"]: continue
            if not reply["ok"]: raise SystemExit(f"{op}: {reply['error']['text']}")
            return reply["body"]
    raise SystemExit(f"{op}: no answer")
def stay():  # Without this the host holds after 0.2 s: whoever moves an arm must be alive.
    socket = connected(0)
    while True: ask(socket, "LEASE_RENEW"); time.sleep(0.05)
ctl, stop = connected(0), connected(2)
hello = ask(ctl, "HELLO")
sess, clock_ns = hello["sess"], hello["t_mono_ns"] - time.monotonic_ns()
lease = ask(ctl, "LEASE_ACQUIRE")["lease"]
threading.Thread(target=stay, daemon=True).start()
arm, q = hello["info"]["arms"][0]["name"], hello["status"]["arms"][0]["q_cmd_rad"]
rows = b""
for i in range(21):  # Rows of t, q…, dq…; rest to rest, here 0.1 rad in 1 s.
    u, d = i / 20, [0.0] * (len(q) - 1)
    s, ds = u**3 * (10 - 15 * u + 6 * u**2), 30 * u**2 * (1 - u) ** 2
    rows += struct.pack(f"<{1 + 2 * len(q)}d", u, q[0] + 0.1 * s, *q[1:], 0.1 * ds, *d)
ask(ctl, "TRAJ_LOAD", key=me, index=0, of=1, joints=len(q), knots=rows)
soon = time.monotonic_ns() + clock_ns + 5_000_000_000
ticket = ask(ctl, "TRAJ_START", soon, arm=arm, key=me)["ticket"]
while not (ended := ask(ctl, "AWAIT", ticket=ticket, timeout_ms=500))["done"]: pass
print(ended["motion"]["status"], ended["motion"]["q_reached_rad"][0])
ask(stop, "STOP", cause="done"); ask(ctl, "LEASE_RELEASE")  # STOP needs no control; any client may.

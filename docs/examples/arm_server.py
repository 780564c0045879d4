"""One arm as a cell/1 host: arm_server.py CELL.toml PORT HOST.key_secret AUTHORIZED_FOLDER"""
import sys, time, tomllib, uuid
from array import array
import msgspec, zmq, zmq.auth, zmq.auth.thread
cell, port, now = tomllib.load(open(sys.argv[1], "rb")), int(sys.argv[2]), time.monotonic
arm, pack, context, sess = cell["arms"][0], msgspec.msgpack.encode, zmq.Context(), uuid.uuid4().hex
info = {k: cell[k] for k in "name kind clock arms workspace control_hz estop".split()}
s = dict(q=arm["home_rad"], path=[], held=False, owner=None, heard=0.0, why="started", who="-")
n, replies, waiting, guard = len(s["q"]), {}, [], zmq.auth.thread.ThreadAuthenticator(context)
guard.start(); guard.configure_curve(location=sys.argv[4])
def bound(kind, offset):
    socket = context.socket(kind); socket.maxmsgsize, socket.curve_server = 131072, True
    socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(sys.argv[3])
    socket.bind(f"tcp://127.0.0.1:{port + offset}"); return socket
ctl, state, stop = bound(zmq.ROUTER, 0), bound(zmq.PUB, 1), bound(zmq.ROUTER, 2)
def status():
    run, zero = bool(s["path"]) and not s["held"], dict(width_m=0, width_cmd_m=0, grip_force_N=0)
    sample = dict(zero, t_s=now(), q_rad=s["q"], q_cmd_rad=s["q"], dq_rad_s=[0] * n)
    return dict(t_s=now(), state="RUN" if run else "HOLD", mode="TRAJ" if run else None, since_s=0,
                cause=s["why"], who=s["who"], estop=cell["estop"], speed=1, lease=s["owner"],
                arms=[sample], held=s["held"])
def act(op, b, who):  # What is not here is refused: clients ask for what they need.
    if op == "HELLO": return dict(type="WELCOME", info=info | {"cameras": []}, status=status(),
        sess=sess, t_mono_ns=time.monotonic_ns(), lease_ttl_s=1, watchdog_s=0.2)
    if op == "GET_STATUS": return dict(type="STATUS", status=status())
    if op == "LEASE_ACQUIRE" and not s["owner"]:
        s.update(owner=who, heard=now()); return dict(type="LEASED", lease=sess)
    if op == "TRAJ_START" and not s["path"] and not s["held"]:
        if max(abs(a - b) for a, b in zip(s["load"][0][1:], s["q"])) > 0.03:
            raise ValueError("the path does not begin where the arm is")
        s.update(path=s.pop("load"), t=0.0, began=now(), why="follows a path", who=who, word="OK")
        return dict(type="STARTED", ticket=1)
    if op == "TRAJ_LOAD" and b["of"] == 1 and b["joints"] == n:  # Rows of t, q…, dq…
        row, fits = array("d", b["knots"]).tolist(), lambda j, x: j["lo_rad"] <= x <= j["hi_rad"]
        s["load"] = [row[i:i + 1 + n] for i in range(0, len(row), 1 + 2 * n)]
        if not all(fits(j, x) for k in s["load"] for j, x in zip(arm["joints"], k[1:])):
            raise ValueError("a joint would leave its range")
    elif op in ("STOP", "RESUME"): s.update(held=op == "STOP", why=b.get("cause", op), who=who)
    elif op == "ABORT": s.update(path=[], word="STOPPED")
    elif op == "LEASE_RELEASE": s.update(owner=None)
    elif op != "LEASE_RENEW": raise ValueError(f"{op} is not offered here, or not now")
    return dict(type="ACCEPTED")
def serve(socket):
    peer, raw = socket.recv_multipart()[:2]
    r = {"id": ""}
    try:  # A repeated id gets the first answer again and does nothing.
        r = {"id": ""} | msgspec.msgpack.decode(raw)
        op, mine = r["body"]["op"], s["owner"] and r["lease"] == sess
        if mine: s["heard"] = now()
        if op == "AWAIT": return waiting.append((peer, r["id"], now() + 0.4))
        if op[:4] in ("TRAJ", "ABOR") and not mine: raise ValueError(f"{op} needs control")
        if 0 < r["expires_ns"] < time.monotonic_ns(): raise ValueError(f"{op} came too late")
        body = replies.get(r["id"]) or act(op, r["body"], r["who"])
        answer, replies[r["id"]] = dict(ok=True, body=body), body
        if len(replies) > 4096: del replies[next(iter(replies))]
    except (ValueError, KeyError, TypeError, AttributeError, msgspec.DecodeError) as error:
        answer = dict(ok=False, error=dict(code="refused", text=str(error)))
    socket.send_multipart([peer, pack(dict(answer, id=r["id"], v=1))])
poll, then, told = zmq.Poller(), now(), 0.0
poll.register(ctl, zmq.POLLIN), poll.register(stop, zmq.POLLIN)
while True:
    for socket, _ in poll.poll(10): serve(socket)
    step, then = now() - then, now()
    if s["owner"] and now() - s["heard"] > 1.0: s.update(owner=None, path=[], word="STOPPED")
    if s["path"] and not s["held"]:
        if now() - s["heard"] > 0.2: s.update(held=True, why="silent owner", who="watchdog")
        s["t"] += step
        while len(s["path"]) > 1 and s["path"][1][0] <= s["t"]: s["path"].pop(0)
        s["q"] = s["path"][0][1:]  # Here your arm is moved, and what it measures is read.
        if len(s["path"]) == 1: s["path"] = []
    for one in [w for w in waiting if not s["path"] or now() > w[2]]:
        waiting.remove(one)
        motion = None if s["path"] else dict(status=s["word"], detail="", q_target_rad=s["q"],
            q_reached_rad=s["q"], error_rad=0, started_s=s["began"], ended_s=now())
        body = dict(type="ENDED", ticket=1, done=not s["path"], motion=motion)
        ctl.send_multipart([one[0], pack(dict(id=one[1], v=1, ok=True, body=body))])
    if now() - told > 0.02:
        told, s["seq"] = now(), s.get("seq", 0) + 1
        state.send(pack(dict(sess=sess, seq=s["seq"], ticks=s["seq"], v=1,
                             t_mono_ns=time.monotonic_ns(), status=status())))

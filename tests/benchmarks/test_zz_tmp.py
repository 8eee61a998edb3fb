import os, statistics, pytest
from benchmarks.lab_in_jupyterlab import *
from browser.conftest import browser, chromium_path, jupyterlab  # noqa

CELLS = {
    "circle": """
import ipywidgets as w
s=w.IntSlider(value=3,min=1,max=40); s.add_class("bench-k")
h=w.HTML(); h.add_class("lab-picture")
def go(c):
    h.value=f"<svg role='img' class='lab-picture' data-picture='{s.value}' viewBox='0 0 720 460' width='100%'><circle cx='{10*s.value}' cy='100' r='10'/></svg>"
s.observe(go,names="value"); go(None)
w.VBox([s,h]).add_class("root")
""",
    "lab": "from landscape_nb import labs\nlabs.OneNeuron(activation='erf', k=3, d=10)",
    "labnol": "from landscape_nb import labs\nlabs.Lab.looks_ahead=False\nlabs.OneNeuron(activation='erf', k=3, d=10)",
}


def test_it(request):
    os.sched_setaffinity(0, range(os.cpu_count()))
    server, chromium = request.getfixturevalue("jupyterlab"), request.getfixturevalue("browser")
    os.sched_setaffinity(0, range(os.cpu_count()))
    for name in os.environ.get("ZZ", "circle,lab,labnol").split(","):
        root, control = (".root", ".bench-{name}") if name == "circle" else (".lab-one-neuron", ".lab-control-{name}")
        page = FigureInJupyterLab(chromium, server, name, [CELLS[name]], root, control)
        for slider, (steps, start) in {"k": (9, 2)}.items():
            keys = bounce(steps, start)
            moves = [page.press(slider, next(keys)) for _ in range(43)][3:]
            print([f"{m.arrived:.0f}/{m.in_document:.0f}/{m.painted:.0f}" for m in moves])
            print(
                name,
                slider,
                *(
                    f"{p} {median(moves, p):.1f} ({min(getattr(m, p) for m in moves):.1f})"
                    for p in ("arrived", "in_document", "painted", "size")
                ),
            )
        page.close()


CELLS["circle80"] = CELLS["circle"].replace("</svg>", '<desc>"+"abc def "*10000+f"</desc></svg>')
WATCH2 = """() => {
  const b = window.bench; b.log=[];
  page.sessionContext.session.kernel.anyMessage.connect((_, {msg, direction}) => {
    const c=msg.content; const st=c.data&&c.data.state?Object.keys(c.data.state).join('+'):(c.execution_state||'');
    b.log.push([performance.now(), direction, msg.header.msg_type, c.data&&c.data.method||'', st, JSON.stringify(c).length, Date.parse(msg.header.date)-performance.timeOrigin]);
  });
}"""


def test_log(request):
    os.sched_setaffinity(0, range(os.cpu_count()))
    server, chromium = request.getfixturevalue("jupyterlab"), request.getfixturevalue("browser")
    os.sched_setaffinity(0, range(os.cpu_count()))
    for name in os.environ.get("ZZ", "circle,circle80,lab").split(","):
        root, control = (
            (".root", ".bench-{name}") if name.startswith("circle") else (".lab-one-neuron", ".lab-control-{name}")
        )
        page = FigureInJupyterLab(chromium, server, name + "log", [CELLS[name]], root, control)
        page.tab.evaluate(WATCH2)
        keys = bounce(9, 2)
        for i in range(6):
            page.tab.evaluate("()=>{bench.log.length=0}")
            page.press("k", next(keys))
            key = page.tab.evaluate("()=>bench.key")
            log = page.tab.evaluate("()=>bench.log")
            if i > 2:
                print("==", name, i)
                for at, d, t, m, s, n, date in log:
                    print(f"{at - key:7.1f} {d} {t:12} {m:8} {s:30} {n:7} made {date - key:7.1f}")
            m = page.tab.evaluate("()=>bench.shown[0]")
            print(
                "  inDoc %.1f decoded %.1f painted %.1f"
                % (m["inDocument"] - key, m["decoded"] - key, m["painted"] - key)
            )
        page.close()


STYLES = {
    "plain": "",
    "willchange": ".lab-picture > * {will-change: transform;}",
    "contain": ".lab-picture > * {will-change: transform; contain: strict;} .lab-picture{contain: layout paint style}",
    "contain2": ".lab-picture{contain: layout paint style}",
    "contain3": ".lab-picture{contain: layout paint style} .lab-picture > * {contain: layout paint style}",
    "wc2": ".lab-picture > *:last-child {will-change: transform;}",
    "wc3": ".lab-picture {will-change: transform; contain: layout paint style}",
    "pixel": ".lab-picture image {image-rendering: pixelated}",
    "speed": ".lab-picture svg {shape-rendering: optimizeSpeed}",
    "noimage": ".lab-picture image {display:none}",
    "notext": ".lab-picture use {display:none}",
    "noframes": ".lab-picture > *:not(:last-child) {display:none}",
    "nothing": ".lab-picture svg * {display:none}",
}


def test_css(request):
    os.sched_setaffinity(0, range(os.cpu_count()))
    server, chromium = request.getfixturevalue("jupyterlab"), request.getfixturevalue("browser")
    os.sched_setaffinity(0, range(os.cpu_count()))
    name, slider = os.environ.get("ZL", "OneNeuron(activation='erf', k=3, d=10)"), os.environ.get("ZS", "angle")
    steps, start = 24, 4
    import re

    cls = re.sub(r"(?<!^)(?=[A-Z])", "-", name.split("(")[0]).lower()
    page = FigureInJupyterLab(
        chromium, server, "css", ["from landscape_nb import labs\nlabs." + name], ".lab-" + cls, ".lab-control-{name}"
    )
    for round in range(2):
        for style in os.environ.get("ZC", ",".join(STYLES)).split(","):
            page.tab.evaluate(
                "css => { let s=document.getElementById('zz'); if(!s){s=document.createElement('style'); s.id='zz'; document.head.append(s)}; s.textContent=css }",
                STYLES[style],
            )
            page._slider(slider).locator(".noUi-handle").first.focus()
            page.tab.keyboard.press("Home")
            page.tab.wait_for_timeout(800)
            moves = [page.press(slider, "ArrowRight") for _ in range(16)][2:]
            late = [(m.painted - m.in_document) for m in moves]
            print(
                f"{style:12}",
                *(
                    f"{p} {median(moves, p):.1f} ({min(getattr(m, p) for m in moves):.1f})"
                    for p in ("arrived", "in_document", "painted", "size")
                ),
                "late %.1f (%.1f)" % (statistics.median(late), min(late)),
                flush=True,
            )
    page.close()


def test_trace(request):
    import json, collections

    os.sched_setaffinity(0, range(os.cpu_count()))
    server, chromium = request.getfixturevalue("jupyterlab"), request.getfixturevalue("browser")
    os.sched_setaffinity(0, range(os.cpu_count()))
    name, slider = "OneNeuron(activation='erf', k=3, d=10)", "norm"
    page = FigureInJupyterLab(
        chromium,
        server,
        "trace",
        ["from landscape_nb import labs\nlabs." + name],
        ".lab-one-neuron",
        ".lab-control-{name}",
    )
    css = os.environ.get("ZCSS", "")
    if css:
        page.tab.add_style_tag(content=css)
    page._slider(slider).locator(".noUi-handle").first.focus()
    page.tab.keyboard.press("Home")
    page.tab.wait_for_timeout(800)
    for _ in range(3):
        page.press(slider, "ArrowRight")
    chromium.start_tracing(
        page=page.tab,
        categories=[
            "devtools.timeline",
            "toplevel",
            "blink.user_timing",
            "disabled-by-default-devtools.timeline",
            "cc",
            "viz",
        ],
    )
    off = page.tab.evaluate("()=>{performance.mark('zero'); return performance.now()}")
    rows = []
    for _ in range(12):
        m = page.press(slider, "ArrowRight")
        key = page.tab.evaluate("()=>bench.key")
        rows.append((key, m))
    data = json.loads(chromium.stop_tracing())
    ev = data["traceEvents"]
    zero = [e for e in ev if e.get("name") == "zero"][0]
    pid, tid, ts0 = zero["pid"], zero["tid"], zero["ts"]
    json.dump(
        dict(
            off=off, rows=[(k, m.arrived, m.in_document, m.painted) for k, m in rows], ev=ev, pid=pid, tid=tid, ts0=ts0
        ),
        open("/tmp/s9/trace.json", "w"),
    )
    page.close()


def test_ws(request):
    os.sched_setaffinity(0, range(os.cpu_count()))
    server, chromium = request.getfixturevalue("jupyterlab"), request.getfixturevalue("browser")
    os.sched_setaffinity(0, range(os.cpu_count()))
    for name in os.environ.get("ZZ", "circle80,lab").split(","):
        root, control = (
            (".root", ".bench-{name}") if name.startswith("circle") else (".lab-one-neuron", ".lab-control-{name}")
        )
        page = FigureInJupyterLab(chromium, server, name + "ws", [CELLS[name]], root, control)
        page.tab.evaluate(WATCH2)
        cdp = page.tab.context.new_cdp_session(page.tab)
        frames = []
        cdp.on(
            "Network.webSocketFrameSent",
            lambda e: frames.append(("sent", e["timestamp"], len(e["response"]["payloadData"]))),
        )
        cdp.on(
            "Network.webSocketFrameReceived",
            lambda e: frames.append(("recv", e["timestamp"], len(e["response"]["payloadData"]))),
        )
        cdp.send("Network.enable")
        keys = bounce(9, 2)
        for i in range(9):
            page.tab.evaluate("()=>{bench.log.length=0}")
            frames.clear()
            page.press("k", next(keys))
            key = page.tab.evaluate("()=>bench.key")
            log = page.tab.evaluate("()=>bench.log")
            if i > 4:
                t0 = frames[0][1]
                print("==", name, i, "ws:", *(f"{d}{(t - t0) * 1e3:.1f}({n})" for d, t, n in frames[:9]))
                print("   js:", *(f"{d} {at - key:.1f}({n})" for at, d, t, m, s, n, date in log[:9]))
        page.close()

# SPDX-License-Identifier: MIT
SUMMARY = "One task with network, one without, and the answer of the test's own loopback server to each"
LICENSE = "MIT"

PROBE_PORT ??= "0"

def probe_connect(d):
    import socket

    try:
        socket.create_connection(("127.0.0.1", int(d.getVar("PROBE_PORT"))), timeout=5).close()
    except OSError as error:
        return f"{type(error).__name__} {socket.if_nameindex()}"
    return "connected"

python do_reach() {
    with open(d.expand("${WORKDIR}/reach.txt"), "w") as stream:
        stream.write(probe_connect(d))
}
do_reach[network] = "1"
addtask reach after do_configure before do_compile

python do_compile() {
    with open(d.expand("${WORKDIR}/compile.txt"), "w") as stream:
        stream.write(probe_connect(d))
}

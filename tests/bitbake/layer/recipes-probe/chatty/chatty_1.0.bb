# SPDX-License-Identifier: MIT
SUMMARY = "Tasks that say much, all at once"
LICENSE = "MIT"

CHATTY_TASKS = "40"
CHATTY_LINES = "300"

python chatter() {
    for number in range(int(d.getVar("CHATTY_LINES"))):
        # What looks like the protocol's own marks must pass through, too.
        bb.debug(1, f"{number} </event> </exitcode> <event> " + "x" * 500)
}

python () {
    for number in range(int(d.getVar("CHATTY_TASKS"))):
        d.setVar(f"do_talk_{number}", '    bb.build.exec_func("chatter", d)\n')
        flags = {"python": "1", "func": "1", "lineno": "1", "filename": "chatty"}
        d.setVarFlags(f"do_talk_{number}", flags)
        bb.build.addtask(f"do_talk_{number}", "do_build", "do_configure", d)
}

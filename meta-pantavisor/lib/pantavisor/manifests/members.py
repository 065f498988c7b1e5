# SPDX-License-Identifier: MIT
"""What the members of manifests are made of: words to choose from, and records whose fields are members."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from .. import names

GOALS = ("MOUNTED", "STARTED", "READY")
RESTART_POLICIES = ("system", "container")
ROLES = ("mgmt", "nobody")
RUNLEVELS = ("data", "root", "platform", "app")
PERSISTENCES = ("permanent", "revision", "boot")
NETWORKS = ("host", "none", "empty", "phys", "veth")
NAMESPACES = ("user", "net", "ipc", "pid", "uts", "mnt", "cgroup", "time")
AUTO_PROC = ("proc", "proc:mixed", "proc:rw")
AUTO_SYS = ("sys", "sys:mixed", "sys:ro", "sys:rw")
AUTO_CGROUP = tuple(
    f"{kind}{mode}{force}"
    for kind in ("cgroup", "cgroup-full")
    for mode in ("", ":mixed", ":ro", ":rw")
    for force in ("", ":force")
)
# capabilities(7)
CAPABILITIES = tuple(
    """audit_control audit_read audit_write block_suspend bpf checkpoint_restore chown dac_override
    dac_read_search fowner fsetid ipc_lock ipc_owner kill lease linux_immutable mac_admin mac_override mknod
    net_admin net_bind_service net_broadcast net_raw perfmon setfcap setgid setpcap setuid sys_admin
    sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time
    sys_tty_config syslog wake_alarm""".split()
)


def check_word(word: Any, known: Collection[str], what: str) -> None:
    """Raise FormatError, with the nearest right word as its hint, unless ``word`` is one of ``known``."""
    if not isinstance(word, str) or word not in known:
        raise names.unknown(str(word), known, what=what)


class Record:
    """Base of dataclasses; what is None or empty does not become a member.
    Values are checked where the whole document is.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        values = {member: plain(getattr(self, member)) for member in self.__dataclass_fields__}
        return {member: value for member, value in values.items() if value is not None and value != []}


def plain(value: Any) -> Any:
    """The JSON of a field's value."""
    if isinstance(value, Record):
        return value.document()
    return list(value) if isinstance(value, tuple) else value

# SPDX-License-Identifier: GPL-2.0-only
"""The two calls that the cooker makes, and the error that it expects."""


class PRServiceConfigError(Exception):
    pass


def auto_start(d):
    if d.getVar("PRSERV_HOST"):
        raise PRServiceConfigError("this build carries no PR server; leave PRSERV_HOST empty")


def auto_shutdown():
    pass

# SPDX-License-Identifier: MIT
# The key whose certificate firmware with UEFI Secure Boot has in db. It signs GRUB's program
# (pantavisor-grub) and the kernel (bsp-pvrexport): from 2.12 on GRUB has the firmware start the kernel,
# which checks it as well.
#
#   PANTAVISOR_EFI_KEY = "/secure/product-keys/db.key"
#   PANTAVISOR_EFI_CERT = "/secure/product-keys/db.crt"
#
# A recipe that inherits this names the program to sign as PANTAVISOR_EFI_PROGRAM and adds the task. Where a
# key is named, the signed program is in PANTAVISOR_EFI_DIR.

PANTAVISOR_EFI_KEY ??= ""
PANTAVISOR_EFI_KEY[doc] = "PEM file with the private RSA key that signs GRUB's program and the kernel for \
UEFI Secure Boot. Empty, as PANTAVISOR_EFI_LABEL and PANTAVISOR_EFI_COMMAND: not signed."
PANTAVISOR_EFI_CERT ??= ""
PANTAVISOR_EFI_CERT[doc] = "PEM file with the certificate of PANTAVISOR_EFI_KEY, which the firmware of \
the devices has in db."
PANTAVISOR_EFI_COMMAND ??= ""
PANTAVISOR_EFI_COMMAND[doc] = "Program that signs in place of PANTAVISOR_EFI_KEY, as PVS_COMMAND does."
PANTAVISOR_EFI_LABEL ??= ""
PANTAVISOR_EFI_LABEL[doc] = "Label of the key on the token of PVS_PKCS11 that signs in place of \
PANTAVISOR_EFI_KEY."
PANTAVISOR_EFI_DIR = "${WORKDIR}/efi-signed"
PANTAVISOR_EFI_IS_SIGNED = "${@int(pvbb.signing.EFI.is_named(d))}"

PANTAVISOR_EFI_KEY[vardepvalue] = "${PANTAVISOR_EFI_IS_SIGNED}"
PANTAVISOR_EFI_CERT[vardepvalue] = ""
PANTAVISOR_EFI_COMMAND[vardepvalue] = ""
PANTAVISOR_EFI_LABEL[vardepvalue] = ""
PANTAVISOR_EFI_DIR[vardepvalue] = ""
PANTAVISOR_EFI_CHECKSUMS = "${@d.getVar('PANTAVISOR_EFI_CERT') + ':True' \
    if d.getVar('PANTAVISOR_EFI_CERT') else ''}"
PANTAVISOR_EFI_CHECKSUMS[vardepvalue] = ""

python do_efi_sign() {
    pvbb.tasks.sign_efi(d)
}
do_efi_sign[cleandirs] = "${PANTAVISOR_EFI_DIR}"
do_efi_sign[vardeps] += "PANTAVISOR_EFI_KEY PANTAVISOR_EFI_PROGRAM"
do_efi_sign[file-checksums] += "${PVR_LIB_CHECKSUMS} ${PANTAVISOR_EFI_CHECKSUMS}"

# SPDX-License-Identifier: MIT
# The key whose certificate firmware with UEFI Secure Boot has in db. It signs GRUB's program
# (pantavisor-grub) and the kernel (bsp-pvrexport): from 2.12 on GRUB has the firmware start the kernel,
# which checks it as well.
#
#   PANTAVISOR_EFI_KEY = "/secure/product-keys/db.key"
#   PANTAVISOR_EFI_CERT = "/secure/product-keys/db.crt"

PANTAVISOR_EFI_KEY ??= ""
PANTAVISOR_EFI_KEY[doc] = "PEM file with the private RSA key that signs GRUB's program and the kernel for \
UEFI Secure Boot, by sbsign, which notes the time. Empty: not signed."
PANTAVISOR_EFI_CERT ??= ""
PANTAVISOR_EFI_CERT[doc] = "PEM file with the certificate of PANTAVISOR_EFI_KEY, which the firmware of \
the devices has in db."
# sbsigntool-native is in other layers than openembedded-core, so only a build that signs depends on it.
DEPENDS += "${@'sbsigntool-native' if d.getVar('PANTAVISOR_EFI_KEY') else ''}"
PANTAVISOR_EFI_KEY[vardepvalue] = "${@'signed' if d.getVar('PANTAVISOR_EFI_KEY') else 'not signed'}"
PANTAVISOR_EFI_CERT[vardepvalue] = ""
PANTAVISOR_EFI_CHECKSUMS = "${@d.getVar('PANTAVISOR_EFI_CERT') + ':True' \
    if d.getVar('PANTAVISOR_EFI_CERT') else ''}"
PANTAVISOR_EFI_CHECKSUMS[vardepvalue] = ""

# efi_sign FROM TO
efi_sign() {
    sbsign --key ${PANTAVISOR_EFI_KEY} --cert ${PANTAVISOR_EFI_CERT} --output $2 $1
}

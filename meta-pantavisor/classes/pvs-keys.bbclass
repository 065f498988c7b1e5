# SPDX-License-Identifier: MIT
# Where signing keys come from.
#
# A key directory holds four files, as `pvr keys generate DIR` makes them:
#   ca.crt      the root that devices trust; goes into the initramfs
#   ca.key.pem  its private key; only needed to issue further leaf certificates, best kept elsewhere
#   key.pem     the private key that signs states
#   x5c.pem     its certificate chain, leaf first
# Private keys are read where they lie: no task copies one, and no output holds one.
#
#   PVS_KEY_DIR = "/secure/product-keys"
#
# On EFI machines the same key signs kernel, initramfs and device tree, and GRUB, which has its public half
# inside, loads nothing else. GRUB knows RSA only; a product gives it a key of its own, which then changes
# with the boot loader only:
#
#   PVS_BOOT_KEY = "/secure/product-keys/boot.pem"
#
# A private key that is in no file signs through a program or a token, and PVS_KEY is not read; so does the
# boot key:
#
#   PVS_COMMAND = "/usr/local/bin/sign-by-vault product"
#   PVS_BOOT_COMMAND = "/usr/local/bin/sign-by-vault boot"
#   PVS_BOOT_CERT = "/secure/product-keys/boot.crt"
#
#   PVS_PKCS11 = "/usr/lib/softhsm/libsofthsm2.so"
#   PVS_PKCS11_TOKEN = "product"
#   PVS_PKCS11_LABEL = "states"
#   PVS_PKCS11_PIN_FILE = "/secure/token.pin"
#   PVS_BOOT_LABEL = "boot"
#   PVS_BOOT_CERT = "/secure/product-keys/boot.crt"
#
# Machines without any key build containers and bsp unsigned, and one that has it signs them with the image:
#
#   PVS_SIGN = "0"
#
# For a first look, a configuration may ask by name for keys that are made on demand in PVS_KEY_DIR:
#
#   PVS_DEVELOPMENT_KEYS = "1"

inherit pantavisor-tool

PVS_KEY_DIR ??= "${TOPDIR}/pvs-keys"
PVS_KEY_DIR[doc] = "Directory with ca.crt, key.pem and x5c.pem, as 'pvr keys generate' makes it."
PVS_KEY ??= "${PVS_KEY_DIR}/key.pem"
PVS_KEY[doc] = "PEM file with the private key that signs states."
PVS_X5C ??= "${PVS_KEY_DIR}/x5c.pem"
PVS_X5C[doc] = "PEM file with the certificate chain of PVS_KEY, leaf first."
PVS_COMMAND ??= ""
PVS_COMMAND[doc] = "Program with arguments that signs in place of PVS_KEY: what to sign is on its standard \
input, the signature on its standard output. Its certificates are in PVS_X5C."
PVS_PKCS11 ??= ""
PVS_PKCS11[doc] = "PKCS#11 library of a token whose key signs in place of PVS_KEY. Needs \
python3-pkcs11-native, which meta-python has."
PVS_PKCS11_TOKEN ??= ""
PVS_PKCS11_TOKEN[doc] = "Label of the token of PVS_PKCS11."
PVS_PKCS11_LABEL ??= ""
PVS_PKCS11_LABEL[doc] = "Label of the key on the token of PVS_PKCS11."
PVS_PKCS11_PIN_FILE ??= ""
PVS_PKCS11_PIN_FILE[doc] = "File whose first line is the PIN of the token."
# BitBake's server notes the whole environment in bitbake-cookerdaemon.log.
PVS_ENVIRONMENT ??= ""
PVS_ENVIRONMENT[doc] = "Names of environment variables of the user who builds that are passed to the \
signing program or library. No secrets: BitBake logs the environment."
PVS_SIGN ??= "1"
PVS_SIGN[doc] = "0: containers and the bsp are left unsigned, which needs no key, and the recipe of the \
image signs them. The image is the same."
PVS_CA ??= "${PVS_KEY_DIR}/ca.crt"
PVS_CA[doc] = "PEM file with the root certificate that devices trust."
# The state key's default is a file, and it is only a default where no other way is named.
PVS_BOOT_KEY ??= "${@bb.utils.contains('MACHINE_FEATURES', 'efi', d.getVar('PVS_KEY'), '', d) \
    if not pvbb.signing.BOOT.is_elsewhere(d) else ''}"
PVS_BOOT_KEY[doc] = "PEM file with the private RSA key whose public half GRUB has inside and that signs \
what it loads. Default on EFI machines: PVS_KEY. Empty, as PVS_BOOT_LABEL and PVS_BOOT_COMMAND: nothing \
checks kernel and initramfs before they run."
PVS_BOOT_COMMAND ??= ""
PVS_BOOT_COMMAND[doc] = "Program that signs in place of PVS_BOOT_KEY, as PVS_COMMAND does."
PVS_BOOT_LABEL ??= ""
PVS_BOOT_LABEL[doc] = "Label of the RSA key on the token of PVS_PKCS11 that signs in place of PVS_BOOT_KEY."
PVS_BOOT_CERT ??= "${PVS_X5C}"
PVS_BOOT_CERT[doc] = "PEM file with the certificate of a boot key that is not in a file."
PVS_SIGNERS ??= ""
PVS_SIGNERS[doc] = "JSON file with the table of who may sign what (docs/formats/rights.md), which goes \
into the initramfs and which the image is checked against. Empty: each certificate that leads to PVS_CA \
may sign everything."
PVS_DEVELOPMENT_KEYS ??= "0"
PVS_DEVELOPMENT_KEYS[doc] = "1: make keys for development in PVS_KEY_DIR where there are none. Never for a \
product."

# The certificates are in the signature, the places of the files do not: two build directories agree.
PVS_CHECKSUMS = "${PVS_X5C}:True ${PVS_CA}:True"
PVS_PART_CHECKSUMS = "${@d.getVar('PVS_CHECKSUMS') if d.getVar('PVS_SIGN') != '0' else ''}"
PVS_PART_CHECKSUMS[vardepvalue] = ""
# Variables with the files that a recipe needs; of parts, none where they are left unsigned.
PVS_FILES ?= "PVS_KEY PVS_X5C PVS_CA"
PVS_PART_FILES = "${@'' if d.getVar('PVS_SIGN') == '0' else 'PVS_KEY PVS_X5C PVS_CA'}"
PVS_SIGNERS_CHECKSUMS = "${@d.getVar('PVS_SIGNERS') + ':True' if d.getVar('PVS_SIGNERS') else ''}"
PVS_SIGNERS_CHECKSUMS[vardepvalue] = ""
PVS_SIGNERS[vardepvalue] = "${@'a table' if d.getVar('PVS_SIGNERS') else 'no table'}"
PVS_COMMAND[vardepvalue] = ""
PVS_PKCS11[vardepvalue] = ""
PVS_PKCS11_TOKEN[vardepvalue] = ""
PVS_PKCS11_LABEL[vardepvalue] = ""
PVS_PKCS11_PIN_FILE[vardepvalue] = ""
PVS_ENVIRONMENT[vardepvalue] = ""
PVS_KEY_DIR[vardepvalue] = ""
PVS_KEY[vardepvalue] = ""
PVS_X5C[vardepvalue] = ""
PVS_CA[vardepvalue] = ""

# Another key, or none, makes another boot loader. Of a key in a file only its digest is kept.
PVS_BOOT_KEY[vardepvalue] = "${@'signed' if pvbb.signing.BOOT.is_named(d) else 'not signed'}"
PVS_BOOT_COMMAND[vardepvalue] = ""
PVS_BOOT_LABEL[vardepvalue] = ""
PVS_BOOT_CERT[vardepvalue] = ""
PVS_BOOT_CHECKSUMS = "${@pvbb.signing.boot_checksums(d)}"
PVS_BOOT_CHECKSUMS[vardepvalue] = ""

python () {
    pvbb.tool.require_keys(d)
}

# SPDX-License-Identifier: MIT
"""Keys: signing states and trusting signatures. The only code that imports ``cryptography``, and only when
called; without that package the program openssl computes.

RS256 is PKCS#1 v1.5 with SHA-256; ES256, ES384 and ES512 are ECDSA with the raw r||s that JWS asks for,
deterministic (RFC 6979) where the key is ours to use. The same key and state then give the same signature.

    signatures signed_json  what is signed and verified: states, JSON that holds its payload
    job_signer pkcs11 command  signers: the one of a job, a token, a program
    algorithms engine package program  what computes, and by which algorithm
    publickey x509 certificates der pem  keys and certificates, from and to bytes
    trust         whom to trust
    generate issue  an authority and a key of one's own, certificates of others
    openpgp efi   what GRUB and firmware verify
"""

from __future__ import annotations

from .certificates import subject_of
from .command import CommandSigner, words
from .efi import MAX_PROGRAM_BYTES, sign_efi
from .generate import generate
from .issue import DAYS, certify
from .job_signer import job_signer
from .openpgp import BootKeys, BootSigner
from .pem import PemSigner, as_pem, chain_of
from .pkcs11 import TokenSigner
from .signatures import (
    Signer,
    attach,
    resign,
    sign_set,
    sign_state,
    signing_request,
    verify_signature,
    verify_state,
)
from .signed_json import MAX_DOCUMENT_BYTES, sign_document, verify_document
from .trust import TrustStore, own_root, trusted

__all__ = [
    "BootKeys",
    "BootSigner",
    "CommandSigner",
    "DAYS",
    "MAX_DOCUMENT_BYTES",
    "MAX_PROGRAM_BYTES",
    "PemSigner",
    "Signer",
    "TokenSigner",
    "TrustStore",
    "as_pem",
    "attach",
    "certify",
    "chain_of",
    "generate",
    "job_signer",
    "own_root",
    "resign",
    "sign_document",
    "sign_efi",
    "sign_set",
    "sign_state",
    "signing_request",
    "subject_of",
    "trusted",
    "verify_document",
    "verify_signature",
    "verify_state",
    "words",
]

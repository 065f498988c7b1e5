# SPDX-License-Identifier: MIT
"""A signer that is a PKCS#11 token (a smart card, an HSM, SoftHSM). Needs the optional package
``python-pkcs11``.
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import NotFound, PantavisorError
from . import pem
from .algorithms import hash_name, verify_made
from .publickey import PublicKey, is_rsa

_HINT = "check the PKCS#11 library, the token's label and the PIN"
_HINTS = {
    "PinIncorrect": "check the PIN before the next try: many tokens lock themselves after a few wrong ones",
    "PinLocked": "ask the token's owner to reset the PIN",
}


@dataclass(frozen=True)
class TokenSigner:
    """A private key that never leaves its token."""

    algorithm: str
    x5c: tuple[bytes, ...]
    module: Path
    token: str
    label: str
    _pin: str = field(repr=False, compare=False)
    public: PublicKey = field(repr=False, compare=False)

    @classmethod
    def load(cls, module: Path, chain_path: Path, *, token: str, label: str, pin: str) -> TokenSigner:
        """``module`` is the token's PKCS#11 library, ``token`` and ``label`` name the token and the key on
        it.
        """
        chain = pem.load_chain(chain_path)
        public = chain[0].key
        return cls(public.algorithm, pem.chain_der(chain), module, token, label, pin, public)

    def sign(self, data: bytes) -> bytes:
        """Raises NotFound for a missing package, module, token or key, SignatureError if the key is not the
        leaf's, PantavisorError where the token refuses.
        """
        pkcs11 = _package()
        try:
            with (
                pkcs11.lib(str(self.module))
                .get_token(token_label=self.token)
                .open(user_pin=self._pin) as session
            ):
                signature = self._sign(pkcs11, self._key(pkcs11, session), data)
        except pkcs11.exceptions.NoSuchToken as error:
            raise NotFound(
                f'{self.module} does not find the token "{self.token}"',
                hint=f"list the tokens: pkcs11-tool --module {self.module} --list-slots",
            ) from error
        except pkcs11.PKCS11Error as error:
            reason = str(error) or type(error).__name__
            raise PantavisorError(
                f'the token "{self.token}" of {self.module} refused: {reason}',
                hint=_HINTS.get(reason, _HINT),
            ) from None
        verify_made(
            self.public, self.algorithm, signature, data, what=f'what the token "{self.token}" gave'
        )
        return signature

    def _key(self, pkcs11: Any, session: Any) -> Any:
        kind = pkcs11.KeyType.RSA if is_rsa(self.algorithm) else pkcs11.KeyType.EC
        attribute = pkcs11.Attribute
        wanted = {
            attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
            attribute.LABEL: self.label,
            attribute.KEY_TYPE: kind,
        }
        found = list(session.get_objects(wanted))  # get_key() trips over its own feet where there are two
        if len(found) != 1:
            number = len(found) or "no"
            raise NotFound(
                f'{number} {kind.name} keys "{self.label}" on the token "{self.token}" of {self.module}',
                hint="name one key of the certificate's kind by --label",
            )
        return found[0]

    def _sign(self, pkcs11: Any, key: Any, data: bytes) -> bytes:
        if is_rsa(self.algorithm):
            return bytes(key.sign(data, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
        # Most tokens only know ECDSA over a digest; their r||s is JWS's own form.
        digest = hashlib.new(hash_name(self.algorithm), data).digest()
        return bytes(key.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))


def _package() -> Any:
    try:
        return importlib.import_module("pkcs11")
    except ImportError as error:
        raise NotFound(
            "signing with a token needs the package python-pkcs11",
            hint='run: pip install "pantavisor[hsm]"',
        ) from error

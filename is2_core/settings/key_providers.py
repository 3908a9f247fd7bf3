"""Getting a process its encryption keys, and again while it runs.

Two sources come along: the variable `IS2_ENCRYPTION_KEYS`, which stands for as long as the process does, and the file
that `IS2_ENCRYPTION_KEYS_FILE` names, which is read again and again. `IS2_KEY_PROVIDER` names another one, which a
package registers in the entry point group `is2.keys`: a function that gets the environment and returns a `KeyProvider`.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from is2_core.crypto import Keyring
from is2_core.errors import CannotStart

GROUP = "is2.keys"
# How old a process's keys may be, in seconds, before they are asked for again.
FRESH_S = 10.0
_log = logging.getLogger(__name__)


class KeyProvider(Protocol):
    """Gives the encryption keys: from a key management service, a hardware module, or a file."""

    def keys(self) -> str:
        """Return `id:base64key[,id:base64key…]`; the first one seals.

        Called at the start of a process and every ten seconds while it seals or opens something, also within a
        transaction: what takes long is kept by the provider and renewed in a thread of its own.

        Raises:
            Exception: they cannot be had now; a running process goes on with those it has.
        """
        ...


class GivenKeys:
    """The keys that stand in the variable itself; others need a new process."""

    def __init__(self, text: str) -> None:
        self._text = text

    def keys(self) -> str:
        """Return what was given."""
        return self._text


class KeyFile:
    """The keys in a file, which is read at each call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self) -> str:
        """Return what the file holds now."""
        return self.path.read_text(encoding="utf-8").strip()

    def put_in_front(self, entry: str) -> None:
        """Have a new key seal, the others staying behind it; the file is replaced whole, its owner and mode kept.

        Raises:
            OSError: it cannot be written, or somebody else is at it.
        """
        held, new = self.path.stat(), self.path.with_name(f"{self.path.name}.new")
        # Nobody else's: two who rotate at once would lose a key.
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            try:
                file.write(f"{entry},{self.keys()}\n")
                file.flush()
                os.fsync(file.fileno())
                if os.geteuid() == 0:
                    os.fchown(file.fileno(), held.st_uid, held.st_gid)
                os.fchmod(file.fileno(), held.st_mode & 0o777)
                new.replace(self.path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise


class KeySource:
    """A process's keyring, from a provider that is asked again now and then."""

    def __init__(self, provider: KeyProvider, now: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._now = now
        self._text = provider.keys()
        self._keyring = Keyring.parse(self._text)
        self._asked_at = now()
        self._asking = threading.Lock()

    def keyring(self) -> Keyring:
        """Return the keys, no more than ten seconds old unless they cannot be had."""
        if self._now() - self._asked_at >= FRESH_S:
            self._renew(wait=False)
        return self._keyring

    def renewed(self, before: Keyring) -> Keyring | None:
        """Ask the provider at once, as where a key is missing; returns the keys where they are others than before."""
        if self._keyring is before:
            self._renew(wait=True)
        return None if self._keyring is before else self._keyring

    def _renew(self, *, wait: bool) -> None:
        """Ask the provider, one thread at a time; the others wait for it, or go on with what is there."""
        if not self._asking.acquire(blocking=wait):
            return
        try:
            text = self.provider.keys()
            if text != self._text:
                self._keyring, self._text = Keyring.parse(text), text
                _log.info("there are other encryption keys: %s seals", self._keyring.current)
        except Exception as error:
            # A process that works must not end because a file is being replaced. Not the message: it may quote a key.
            _log.error("the encryption keys cannot be read again (%s); those of before go on", type(error).__name__)
        finally:
            self._asked_at = self._now()
            self._asking.release()


def key_source(environ: Mapping[str, str], given: str) -> KeySource:
    """Return where this process has its keys from.

    Args:
        given: the value of `IS2_ENCRYPTION_KEYS` or of its file, "" where neither is set.

    Raises:
        CannotStart: the provider is not there, or gives no usable keys.
    """
    provider = _provider(environ, given)
    try:
        return KeySource(provider)
    except ValueError as error:
        # Of `Keyring.parse`, whose messages quote no key.
        raise CannotStart(f"IS2_ENCRYPTION_KEYS: {error}") from error
    except Exception as error:
        raise CannotStart(f"IS2_KEY_PROVIDER: it gives no keys ({type(error).__name__}); see its manual") from error


def _provider(environ: Mapping[str, str], given: str) -> KeyProvider:
    name = environ.get("IS2_KEY_PROVIDER", "").strip()
    if not name:
        path = environ.get("IS2_ENCRYPTION_KEYS_FILE", "").strip()
        is_file = path and not environ.get("IS2_ENCRYPTION_KEYS", "").strip()
        return KeyFile(Path(path)) if is_file else GivenKeys(given)
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise CannotStart(f"IS2_KEY_PROVIDER is {name}, and installed are: {known}; leave it out for keys in a file")
    try:
        made: KeyProvider = found[name].load()(environ)
    except Exception as error:
        raise CannotStart(f"IS2_KEY_PROVIDER: {name} does not load ({type(error).__name__}); see its manual") from error
    return made

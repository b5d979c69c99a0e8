"""The systems: each a way from a question to a `Trace`, built from the same stages over any library and policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mmrag.errors import BadSetting
from mmrag.systems.parts import Library, Policy, System
from mmrag.systems.rft import RFT

SYSTEMS: Mapping[str, Callable[[Library, Policy], System]] = MappingProxyType({RFT.name: RFT})


def make_system(name: str, library: Library, policy: Policy) -> System:
    """The system of that name over `library` and `policy`.

    Raises:
        BadSetting: there is no such system.
    """
    if name not in SYSTEMS:
        raise BadSetting(f"system is {name!r}; it may be {', '.join(SYSTEMS)}")
    return SYSTEMS[name](library, policy)


__all__ = ["RFT", "SYSTEMS", "Library", "Policy", "System", "make_system"]

"""Nothing reaches for the network: indexing, asking and the page run under a guard that allows loopback only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ipaddress, socket, sys, traceback

reached = []

def local(host):
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False

def guarded(name):
    plain = getattr(socket.socket, name)
    def method(self, *arguments):
        address = arguments[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not local(address[0]):
            reached.append((name, address, traceback.format_stack(limit=8)))
            raise OSError(f"the guard refuses {address}")
        return plain(self, *arguments)
    setattr(socket.socket, name, method)

for name in ("connect", "connect_ex", "sendto"):
    guarded(name)
resolve = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    if not local(host):
        reached.append(("getaddrinfo", host, traceback.format_stack(limit=8)))
        raise socket.gaierror(f"the guard refuses {host}")
    return resolve(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo

try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError:
    pass
assert len(reached) == 1, "the guard does not guard"
reached.clear()

collection, encoder, checkpoint = sys.argv[1:]
from mmrag import Query, Settings, open_collection, open_session

session = open_session(open_collection(collection, encoder=encoder), checkpoint=checkpoint)
short = Settings(retrieve=3, top_k=1, threshold=0.0, max_new_tokens=4)
*_, done = session.ask(Query("When did the lighthouse open?"), "sft", short)
assert done.phase == "done"

from urllib.request import urlopen
from mmrag.ui.launch import launch

served = launch(session)
assert b"mmrag" in urlopen(served.url, timeout=60).read()
served.close()
assert not reached, reached
print("nothing was reached for")
"""


def test_indexing_asking_and_the_page_open_no_socket_but_loopback(
    tiny_collection: Path, random_encoder: Path, random_checkpoint: Path, tmp_path: Path
) -> None:
    quiet = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "GRADIO_", "TRANSFORMERS_"))
    }
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tiny_collection), str(random_encoder), str(random_checkpoint)],
        env={**quiet, "MMRAG_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert ran.stdout.strip().endswith("nothing was reached for")


SOURCES = """
import sys
from huggingface_hub import is_offline_mode
from mmrag.session.offline import stay_offline

for source in (sys.argv[1], "owner/name", sys.argv[1]):
    stay_offline(source)
    print(is_offline_mode())
"""


@pytest.mark.parametrize(
    ("given", "offline"),
    [({}, [True, False, True]), ({"HF_HUB_OFFLINE": "1"}, [True] * 3), ({"HF_HUB_OFFLINE": "0"}, [False] * 3)],
)
def test_a_folder_is_loaded_offline_and_the_hub_is_asked_after_it(
    given: dict[str, str], offline: list[bool], tmp_path: Path
) -> None:
    """The embedded encoder, loaded first, shut the hub off for the model that a person had named."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    told = subprocess.run(
        [sys.executable, "-c", SOURCES, str(tmp_path)], env=plain | given, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(one) for one in offline]

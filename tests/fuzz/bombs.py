"""Files that announce or unpack to far more than they are, each read in a process of its own.

python bombs.py NAME FOLDER    prints the most MiB that the process had resident
"""

from __future__ import annotations

import gzip
import lzma
import resource
import struct
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import seeds
from explore import prepare, read
from targets import readers

Pack = Callable[[bytes], bytes]
MIB = 1 << 20
UNPACKED = 4096 * MIB


def zeros(pack: Pack) -> bytes:
    """Streams one after the other, 4 GiB of zeros."""
    return pack(bytes(64 * MIB)) * (UNPACKED // (64 * MIB))


def huge_member(pack: Pack) -> bytes:
    """An archive whose first wanted member announces 4 GiB, and has them."""
    member = tarfile.TarInfo(seeds.PREFIX + seeds.CIFAR_FILES[0])
    member.size = UNPACKED
    return pack(member.tobuf()) + zeros(pack)


def huge_companion(pack: Pack) -> bytes:
    """An archive whose readme has 4 GiB."""
    member = tarfile.TarInfo("readme.html")
    member.size = UNPACKED
    return pack(member.tobuf()) + zeros(pack)


def endless_companion() -> bytes:
    """An archive whose readme announces 2^60 bytes, and has none."""
    member = tarfile.TarInfo("readme.html")
    member.size = 1 << 60
    return member.tobuf(tarfile.GNU_FORMAT)


def huge_dictionary() -> bytes:
    """An xz stream that wants a dictionary of 4 GiB."""
    stream = bytearray(lzma.compress(seeds.idx()))
    size = 4 * (stream[12] + 1)  # of the block header, behind that of the stream
    block = stream[12 : 12 + size - 4]
    block[block.index(b"\x21\x01") + 2] = 40
    stream[12 : 12 + size] = block + struct.pack("<I", zlib.crc32(block))
    return bytes(stream)


def gz(data: bytes) -> bytes:
    """Compress well."""
    return gzip.compress(data, 9)


def xz(data: bytes) -> bytes:
    """Compress very well."""
    return lzma.compress(data, preset=1)


def bombs() -> dict[str, tuple[str, Callable[[], bytes]]]:
    """Return the reader and the maker of every bomb by its name."""
    return {
        "idx: 4 GiB in gzip": ("idx", lambda: zeros(gz)),
        "idx: 4 GiB in xz": ("idx", lambda: zeros(xz)),
        "idx: more in gzip than announced": ("idx", lambda: gz(seeds.idx()) + zeros(gz)),
        "idx: an xz dictionary of 4 GiB": ("idx", huge_dictionary),
        "archive: a member of 4 GiB, gzip": ("archive", lambda: huge_member(gz)),
        "archive: a member of 4 GiB, xz": ("archive", lambda: huge_member(xz)),
        "archive: a companion of 4 GiB": ("archive", lambda: huge_companion(gz)),
        "archive: a companion of 2^60 bytes": ("archive", endless_companion),
        "archive: behind its end 4 GiB": ("archive", lambda: gz(seeds.tar()) + zeros(gz)),
        "archive: in gzip in gzip": ("archive", lambda: gz(zeros(gz))),
        "model: a header of 2^62 bytes": ("model", lambda: struct.pack("<Q", 1 << 62) + bytes(100)),
        "run: a million brackets": ("run", lambda: b"[" * 1_000_000),
        "run: a number of a million digits": ("run", lambda: b'{"schema":' + b"1" * 1_000_000 + b"}"),
        "trace: a header of 2^32 bytes": ("trace", lambda: b"\x89asaptr\n" + struct.pack("<II", 2, (1 << 32) - 16)),
    }


def main() -> None:
    """Read a bomb and print the most memory that this took, in MiB."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    reader, make = bombs()[name]
    target = readers()[reader]
    path = prepare(target, folder)
    bomb = b"\0" + make()
    if read(target, path, bomb) and "dictionary" not in name:  # which is never filled
        raise AssertionError("it was accepted")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)


if __name__ == "__main__":
    main()

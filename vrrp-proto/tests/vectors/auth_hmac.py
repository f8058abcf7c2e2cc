#!/usr/bin/env python3
"""Adverts with keepalived's HMAC trailer, made from its description with Python's own hmac and
hashlib: nothing of the crate under test is used. Writes auth_hmac.json beside itself.

Each vector is the whole VRRP payload of an IP packet (message and trailer), with the addresses of
the IP header. VRRPv2 over IPv6 is not an advert of any RFC; its vectors are for the signature alone.
"""
import hashlib
import hmac
import ipaddress
import json
import pathlib
import struct

KEYS = {
    7: b"0123456789abcdefghijklmnopqrstuv",  # 32 octets, the shortest
    200: bytes(range(1, 65)),  # 64 octets, the longest
}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(source, destination, length):
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, 112, length)
    return source.packed + destination.packed + struct.pack("!II", length, 112)


def message(version, vrid, priority, addresses):
    body = b"".join(ipaddress.ip_address(one).packed for one in addresses)
    head = struct.pack("!BBBB", version << 4 | 1, vrid, priority, len(addresses))
    if version == 2:
        return head + struct.pack("!BBH", 0, 1, 0) + body + bytes(8)
    return head + struct.pack("!HH", 100, 0) + body


def trailer(key_id, source, unsummed, seconds, fraction, counter):
    fixed = struct.pack("!BBHIHH", 1, key_id, 0, seconds, fraction, counter)
    covered = struct.pack("!BBBB", source.version, unsummed[0] >> 4, unsummed[1], 0)
    covered += source.packed.ljust(16, b"\0")
    covered += unsummed + fixed + bytes(16)
    return fixed + hmac.new(KEYS[key_id], covered, hashlib.sha256).digest()[:16]


def vector(version, family, kind, key_id):
    ipv4 = family == "ipv4"
    source = ipaddress.ip_address("192.0.2.1" if ipv4 else "fe80::1")
    if kind == "multicast":
        destination = ipaddress.ip_address("224.0.0.18" if ipv4 else "ff02::12")
    else:
        source = source if ipv4 else ipaddress.ip_address("2001:db8::1")
        destination = ipaddress.ip_address("192.0.2.2" if ipv4 else "2001:db8::2")
    addresses = ["192.0.2.100"] if ipv4 else ["fe80::51", "2001:db8::100"]
    unsummed = message(version, 51, 200, addresses)
    seconds, fraction, counter = 1795978750, 0x8000, 3
    signature = trailer(key_id, source, unsummed, seconds, fraction, counter)
    # Over IPv4 the checksum stops in front of the trailer; over IPv6 it covers it.
    summed = unsummed if ipv4 else unsummed + signature
    if version == 3:
        summed = pseudo(source, destination, len(summed)) + summed
    total = struct.pack("!H", checksum(summed))
    return {
        "name": f"v{version}-{family}-{kind}-key{key_id}",
        "version": version,
        "source": str(source),
        "destination": str(destination),
        "key_id": key_id,
        "key": KEYS[key_id].hex(),
        "seconds": seconds,
        "fraction": fraction,
        "counter": counter,
        "addresses": addresses,
        "payload": (unsummed[:6] + total + unsummed[8:] + signature).hex(),
    }


vectors = [
    vector(version, family, kind, key_id)
    for version in (2, 3)
    for family in ("ipv4", "ipv6")
    for kind in ("multicast", "unicast")
    for key_id in KEYS
]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"vectors": vectors}, indent=1) + "\n")

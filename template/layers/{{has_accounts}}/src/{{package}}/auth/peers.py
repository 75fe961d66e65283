"""The addresses of clients."""

from ipaddress import IPv6Address, IPv6Network, ip_address


def client_network(peer: str) -> str:
    """Return the address of a client, or its /64 network if it is an IPv6 address.

    A provider assigns at least a /64 to each customer. Some proxies forward `address:port`.
    """
    host = peer.removeprefix("[").partition("]")[0] if peer.startswith("[") else peer
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        address = ip_address(host)
    except ValueError:
        return peer
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))
    return str(address)

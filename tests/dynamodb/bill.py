"""What the service asked DynamoDB for between two points, in calls and units."""
import time


def settle(seconds=2.6):
    """Until the look for other holders 2 s after a link is over."""
    time.sleep(seconds)


def counted(proxy):
    """Without what keeps connections warm and health fresh."""
    return {name: n for name, n in proxy.operations.items() if name != "DescribeTable" and n}


def pings(proxy):
    """GetItems of nobody: health and warmth."""
    return sum(1 for operation, body in proxy.log if operation == "GetItem" and b'"account-linkd"' in body)


class Bill:
    """Operations and units between two points, health and warmth taken off."""
    def __init__(self, proxy):
        self.proxy = proxy
        proxy.reset()
        proxy.keep = True

    def take(self):
        operations = counted(self.proxy)
        idle = pings(self.proxy)
        operations["GetItem"] = operations.get("GetItem", 0) - idle
        units = dict(self.proxy.units)
        reads = units.get("read", 0)
        warm = sum(1 for o, b in self.proxy.log if o == "GetItem" and b'"account-linkd"' in b and b"ConsistentRead" not in b)
        reads -= warm * 0.5 + (idle - warm) * 1.0
        self.proxy.reset()
        self.proxy.keep = True
        return {k: v for k, v in operations.items() if v}, units.get("write", 0), reads

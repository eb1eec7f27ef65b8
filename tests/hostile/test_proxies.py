"""The floods of test_bodies.py through a proxy; for the long form."""
import pytest

from harness import lint
from hostile import proxies
from hostile.test_bodies import ONE, Flood, survive


@pytest.mark.parametrize("trusted", ["127.0.0.1", ""], ids=["listed", "not listed"])
@pytest.mark.parametrize("buffering", [False, True], ids=["streams", "buffers"])
@pytest.mark.parametrize("make", [proxies.nginx, proxies.haproxy], ids=["nginx", "HAProxy"])
def test_a_flood_through_a_proxy(make_service, tmp_path, make, buffering, trusted):
    """A proxy that is not listed is one network for all."""
    service = make_service(LINKD_TRUSTED_PROXIES=trusted)
    proxy = make(service, tmp_path, buffering)
    try:
        what = f"{make.__name__} that {'buffers' if buffering else 'streams'}, {'listed' if trusted else 'not listed'}"
        survive(what, service, proxy, Flood(proxy.url, ONE, "burst"), "127.9.0.1", not trusted)
    finally:
        lint.take()  # nginx adds headers of its own
        proxy.stop()

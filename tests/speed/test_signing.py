"""What one signature costs: processor time of the best round, so that a busy machine does not count."""
import re
import subprocess

from aws import driver


def test_signature_with_a_cached_key():
    p = subprocess.run([driver.path("sigv4_driver"), "bench", "20000"], capture_output=True, text=True, check=True, timeout=120)
    print(p.stdout.strip())
    assert float(re.search(r"best ([\d.]+) us", p.stdout).group(1)) <= 3.0

"""Cost by the number of customers.  Processor time must be flat; the latency is mostly DynamoDB Local's own, and has room."""
from bench import flat
from conftest import FULL


def test_a_link_costs_the_same_however_many_customers():
    made = flat.points(flat.SIZES if FULL else (100, 10_000), say=lambda text: None)
    print("\n".join(flat.lines(made)))
    few, many = made[0], made[-1]
    for kind in ("link", "login"):
        assert getattr(many, kind).cpu_us < 2 * getattr(few, kind).cpu_us, kind
        assert getattr(many, kind).ms < 3 * getattr(few, kind).ms + 20, kind
    assert many.scan.over or many.scan.units > 20 * few.scan.units
    assert many.scan.ms > (100 if FULL else 4) * few.scan.ms or many.scan.ms > 50 * many.link.ms

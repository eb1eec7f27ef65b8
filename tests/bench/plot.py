"""The table as a picture: processor time of a request, row by row, in floors."""
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

OURS, OTHERS = "#1b6ca8", "#9a9a9a"


def color(row):
    return OURS if row.ours else OTHERS


def label(f):
    return f"{f.cpu_us:,.0f} µs ({f.ratio:,.{1 if f.ratio < 100 else 0}f})"


def draw(found, path):
    """Bars of CPU µs on a logarithmic scale, each with its figure and its multiple of the floor."""
    matplotlib.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9})
    shown = list(reversed(found))
    picture, axes = plt.subplots(figsize=(9, 0.42 * len(shown) + 1.2))
    bars = axes.barh([f.row.title for f in shown], [f.cpu_us for f in shown], color=[color(f.row) for f in shown], height=0.7)
    axes.bar_label(bars, [label(f) for f in shown], padding=3)
    axes.set_xscale("log")
    axes.margins(y=0.02)
    axes.set_xlim(min(f.cpu_us for f in shown) / 2, max(f.cpu_us for f in shown) * 20)
    axes.set_xlabel("CPU time of a request, µs (in brackets: multiples of the floor)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    picture.tight_layout()
    picture.savefig(path, metadata={"Date": None})
    plt.close(picture)

"""Every non-static function or variable of src/DIR/x.c begins with the name of its file, so that a call
tells where to look.  Accepted beginnings for src/DIR/noun_part.c:
  noun_part_, noun_        the file, or the noun it is a part of
  DIR_                     a folder, where one folder is one module (http_listen in http/server.c); the name of a
                           file in it then has no prefix (config_host_of in config/address.c)
  the singular of a plural (metric_add in metrics.c) and the one who does it (sealer_new in seal.c)"""
from lintlib import Report, files, functions, globals_of, root


def beginnings(rel):
    stem = rel.stem
    noun = stem.split("_")[0]
    ways = {stem, noun, noun.rstrip("s"), noun + "er"}
    parts = stem.split("_")
    ways |= {"_".join(parts[:n]) for n in range(1, len(parts))}
    ways |= set(rel.parts[:-1])
    return ways


def main():
    base = root()
    r = Report("public symbols", base)
    for path in files(base, "*.c", under=["src"]):
        rel = path.relative_to(base / "src")
        ways = beginnings(rel)
        text = path.read_text()
        names = [(f.name, f.line) for f in functions(text) if not f.static] + globals_of(text)
        for name, line in names:
            if name == "main" and rel.name == "main.c":
                continue
            r.checked += 1
            if not any(name == w or name.startswith(w + "_") for w in ways):
                r.bad(path, line, f"{name} does not begin with {' or '.join(w + '_' for w in sorted(ways))}")
            if name.startswith("_"):
                r.bad(path, line, f"{name} begins with an underscore")
    r.end()


main()

"""Which folders may include which, and which module owns each library.

Order (architecture of the source, src/README.md): a file may include its own folder and every folder on a
lower step.  Folders of one step do not know each other, but for the pairs in ALSO."""
import re
from pathlib import Path

from lintlib import Report, bare, files, root

STEPS = [["base"], ["config", "obs"], ["loop"], ["net", "http"], ["aws", "facebook"], ["store"], ["service"], ["link"],
         ["login", "webhook", "admin", "web"], ["routes"], ["app"], ["cli"], ["main"]]
STEP = {name: n for n, names in enumerate(STEPS) for name in names}
ALSO = {("login", "web")}
NEVER = {(a, "web") for a in ("routes", "cli", "main")}  # pages are for login and app

OWNERS = {  # header of a library: the one module that includes it
    r"microhttpd\.h": r"http/(private|reply|request|server(_\w+)?)\.[ch]", r"curl/.*": r"net/(private|httpc(_socket)?)\.[ch]|net/poster/httpc_post\.c", r"cJSON\.h|cjson/.*": r"base/json\.c",
    r"openssl/.*": r"base/crypto\.c", r"sqlite3\.h": r"store/sqlite/\w+\.[ch]", r"argon2\.h": r"login/password(_\w+)?\.c",
    r"crypt\.h": r"login/password(_\w+)?\.c", r"cjose/.*": r"login/jwt(_\w+)?\.c",
}
SYSTEM = set("""assert ctype dirent errno fcntl fnmatch float inttypes limits locale math netdb poll pthread sched signal
stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings syslog termios threads time
unistd getopt pwd grp arpa/inet netinet/in netinet/tcp sys/epoll sys/eventfd sys/file sys/ioctl sys/mman sys/prctl sys/random
sys/resource sys/sendfile sys/signalfd sys/socket sys/stat sys/syscall sys/time sys/timerfd sys/types sys/uio sys/un
sys/wait spawn linux/limits""".split())


def module(path):
    """The layer of src/... : its folder, or for a file directly in src the noun its name begins with."""
    return path.parts[0] if len(path.parts) > 1 else path.stem.split("_")[0].split(".")[0]


def judge(own, included):
    if own == included:
        return None
    for name in (own, included):
        if name not in STEP:
            return f"'{name}' has no step in tests/lint/layers.py"
    if (own, included) in NEVER:
        return f"{own} must not include {included}"
    if (own, included) in ALSO or STEP[included] < STEP[own]:
        return None
    return f"{own} must not include {included}: it is not below it"


def judge_system(rel, header):
    for pattern, owner in OWNERS.items():
        if re.fullmatch(pattern, header):
            return None if re.fullmatch(owner, str(rel)) else f"<{header}> belongs to {owner} alone"
    return None if header.removesuffix(".h") in SYSTEM else f"<{header}> is neither a system header nor owned by a module"


def main():
    base = root()
    src = base / "src"
    r = Report("includes", base)
    for path in files(base, "*.c", "*.h", "*.def", under=["src"]):
        rel = path.relative_to(src)
        for n, line in enumerate(bare(path.read_text(), strings=True).split("\n"), 1):
            m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not m:
                continue
            r.checked += 1
            if m.group(1) == "<":
                problem = judge_system(rel, m.group(2))
            elif "/" not in m.group(2) and not (src / m.group(2)).exists():
                problem = f'"{m.group(2)}": includes name the path below src/'
            elif m.group(2).endswith("private.h") and not rel.is_relative_to(Path(m.group(2)).parent):
                problem = f'"{m.group(2)}" is for the files of its own folder'
            else:
                problem = judge(module(rel), module(Path(m.group(2))))
            if problem:
                r.bad(path, n, problem)
    r.end()


main()

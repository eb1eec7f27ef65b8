"""Functions that are not used: unbounded writes, hidden state, parsing without errors, shells, time and
randomness past the one module that owns them."""
import re

from lintlib import Report, bare, files, root

BANNED = {
    "unbounded": "sprintf vsprintf strcpy strcat stpcpy gets scanf sscanf fscanf vsscanf alloca strdupa",
    "a trap with lengths": "strncpy strncat stpncpy",
    "no error for bad input": "atoi atol atoll atof",
    "hidden state": "strtok asctime ctime localtime gmtime readdir_r getpwnam getpwuid ttyname setenv putenv unsetenv",
    "not unpredictable": "rand srand random srandom rand_r drand48 lrand48 mrand48 arc4random",
    "a shell or a copy of the process": "system popen vfork execvp execlp",
    "a name race": "tmpnam tempnam mktemp",
    "it blocks a loop": "usleep sleep gethostbyname gethostbyaddr",
    "it ends the process from inside": "abort quick_exit _exit longjmp setjmp pthread_cancel pthread_exit",
    "old": "bzero bcopy index rindex inet_addr inet_ntoa inet_aton",
}
REASON = {name: why for why, names in BANNED.items() for name in names.split()}
ONLY = {  # function: where it may be called, and why not elsewhere
    "exit": (r"src/(main|cli/.*)\.c", "only the command line ends the process"),
    "printf": (r"src/(main|cli/.*)\.c|tests/.*", "standard output belongs to the log and the command line"),
    "puts": (r"src/(main|cli/.*)\.c|tests/.*", "standard output belongs to the log and the command line"),
    "putchar": (r"src/(main|cli/.*)\.c|tests/.*", "standard output belongs to the log and the command line"),
    "time": (r"src/base/clock\.c|tests/.*", "clock_* tells the time"),
    "gettimeofday": (r"src/base/clock\.c", "clock_* tells the time"),
    "clock_gettime": (r"src/base/clock\.c|src/obs/metrics\.c|tests/.*", "clock_* tells the time"),
    "nanosleep": (r"src/app\.c|src/store/sqlite/\w+\.c|src/cli/(create_table|cli_store)\.c|tests/.*", "it blocks a loop; only the first thread and the store's may wait"),
    "signal": (r"src/(app_signals|main)\.c|tests/.*", "signals are set up in one place"),
    "getrandom": (r"src/base/crypto\.c", "crypto_random gives random bytes"),
}
TESTS_MAY = set("usleep sleep setenv unsetenv setjmp abort system _exit execvp execlp".split())
CALL = re.compile(r"(?<![\w.>])(\w+)\s*\(")


def judge(rel, name):
    if name in REASON and not (rel.startswith("tests/") and name in TESTS_MAY):
        return REASON[name]
    if name in ONLY and not re.fullmatch(ONLY[name][0], rel):
        return ONLY[name][1]
    return None


def main():
    base = root()
    r = Report("calls", base)
    for path in files(base, "*.c", "*.h", under=["src", "tests"]):
        rel = str(path.relative_to(base))
        for n, line in enumerate(bare(path.read_text()).split("\n"), 1):
            for m in CALL.finditer(line):
                r.checked += 1
                why = judge(rel, m.group(1))
                if why:
                    r.bad(path, n, f"{m.group(1)}: {why}")
    r.end()


main()

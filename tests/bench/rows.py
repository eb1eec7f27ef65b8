"""The rows of the table: each a server, what it is asked, and what must be true of it besides the right status."""
import contextlib
import dataclasses
import importlib.util
import pathlib
import shutil

from bench import load, servers

CONNECTIONS = 64
ALONE = "bench/account-linkd-alone"  # built with groups of one
LIBCURL = "bench/account-linkd-libcurl"  # built without net/poster
LOGIN_CONNECTIONS = 4  # each waits for the hash of those before it
ARGON2 = (19456, 2)  # the service's own default: KiB, passes
BCRYPT = "$2b$10$J7Mj1BKz7mORJ4b10aSJvuOWw8UJURDO/z1cWjVv4lDjfk7pT13K2"  # of load.PASSWORD; cost 10
FIRST_GUESS = 10_000  # requests a second, before a server has shown what it does
LOGINS = 20  # at least, in a round
SPARE = 1.5


@dataclasses.dataclass
class Row:
    """One row.  `start`: opens the stage of a folder.  `ask`: what is asked, a key of ASKS."""
    key: str
    title: str
    start: callable
    ask: str
    connections: int = CONNECTIONS
    ours: bool = True


@dataclasses.dataclass
class Stage:
    """A running server, pinned, and the stand-in or the store behind it."""
    url: str
    pid: int
    folder: pathlib.Path
    database: servers.Server = None
    store: dict = None
    server: servers.Server = None
    rate: float = FIRST_GUESS

    def file(self, name):
        return self.folder / name


# --- stages

def of_server(server, folder, **more):
    return Stage(server.url, server.pid, folder, server=server, **more)


@contextlib.contextmanager
def stopping(*running):
    try:
        yield
    finally:
        for one in running:
            one.stop()


@contextlib.contextmanager
def on_floor(folder):
    server = servers.floor()
    with stopping(server):
        yield of_server(server, folder)


@contextlib.contextmanager
def on_nginx(folder):
    server = servers.nginx(folder)
    with stopping(server):
        yield of_server(server, folder)


def on_standin(delay_ms=0, password_hash=None, cores=servers.SERVER_CORE, program=None, graph=False, **settings):
    """account-linkd on the stand-in for DynamoDB.  password_hash: makes it.  graph: with a page token; the stand-in is Graph, too."""
    @contextlib.contextmanager
    def start(folder):
        database = servers.standin(delay_ms, password_hash() if password_hash else "")
        with stopping(database):
            more = servers.on_graph(database) if graph else {}
            server = servers.service(servers.on_dynamodb(database), {**settings, **more}, program, cores)
            with stopping(server):
                yield of_server(server, folder, database=database)
    return start


def on_workers(n):
    return on_standin(cores=servers.WORKER_CORES, LINKD_WORKERS=str(n))


def on_sqlite(program="account-linkd", flush_us=0):
    """account-linkd on a database on a disk: build/bench/data is removed with it.  flush_us: what a flush takes more."""
    more = {"LD_PRELOAD": str(servers.BUILD / "bench/slowflush.so"), "LINKD_BENCH_FLUSH_US": str(flush_us)} if flush_us else {}

    @contextlib.contextmanager
    def start(folder):
        data = servers.BUILD / "bench/data" / f"{program}-{flush_us}"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        store = {"LINKD_STORE": f"sqlite:{data}/linkd.db"}
        server = servers.service(store, more, program)
        try:
            with stopping(server):
                yield of_server(server, folder, store=store)
        finally:
            shutil.rmtree(data)
    return start


def on_peer(name):
    @contextlib.contextmanager
    def start(folder):
        from bench.peers import registry
        database = servers.standin()
        with stopping(database), registry.PEERS[name].run(servers.APP_SECRET, "customers", servers.on_dynamodb(database),
                                                          servers.pinned(servers.SERVER_CORE, [])) as server:
            yield Stage(server.url, server.pid, folder, database=database)
    return start


def file_system(path):
    """Kind of the file system that holds a path."""
    best = ("", "?")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, at, kind, *_ = line.split()
        if pathlib.Path(path).is_relative_to(at) and len(at) >= len(best[0]):
            best = (at, kind)
    return best[1]


class NotFresh(load.Wrong):
    """The server was faster than thought: the round does not count, and the next has more."""


# --- what is asked: -> the result of one round

def get(path):
    def ask(stage, row, seconds):
        return load.wrk(stage.url + path, seconds, row.connections)
    return ask


def page(stage, row, seconds):
    return load.wrk(stage.url + load.page_path(), seconds, row.connections)


def repeated(kind):
    """Deliveries that may come again without being another case."""
    def ask(stage, row, seconds):
        file = stage.file(kind)
        if not file.exists():
            load.bodies(file, kind, 20_000)
        return load.wrk(stage.url, seconds, row.connections, [file, "/webhook", load.JSON])
    return ask


def fresh(kind, make=load.bodies, how=("/webhook", load.JSON)):
    """Every delivery has a code nobody has used, every page another linking token: more are made than can be sent."""
    def ask(stage, row, seconds):
        file = stage.file(kind)
        make(file, kind, int(stage.rate * seconds * SPARE) + row.connections, stage.store)
        result = load.wrk(stage.url, seconds, row.connections, [file, *how])
        stage.rate = result.requests / result.seconds * (SPARE if result.again else 1)
        if result.again:
            raise NotFresh(f"{row.title}: {result.requests} requests were more than were made")
        return result
    return ask


def shared(stage, row, seconds):
    """Links that two workers share: neither does more than ten times what the other does, which others on its core may take from it."""
    before = servers.threads_s(stage.pid)
    result = fresh("linked")(stage, row, seconds)
    spent = sorted(after - before.get(task, 0) for task, after in servers.threads_s(stage.pid).items())
    if spent[-1] > 10 * spent[-2]:
        raise load.Wrong(f"{row.title}: one worker took {spent[-1]:.2f} s, the other {spent[-2]:.2f} s")
    return result


def login(stage, row, seconds):
    file = stage.file("logins")
    cookie = load.logins(file, stage.server, 2000)
    requests = spent = runs = 0
    for longer in (1, 2, 4, 8):
        result = load.wrk(stage.url, seconds * longer, row.connections, [file, "/link/login", load.FORM, f"Cookie: {cookie}"])
        requests, spent, runs = requests + result.requests, spent + result.seconds, runs + 1
        if requests >= LOGINS:
            break
    return dataclasses.replace(result, requests=requests, seconds=spent, runs=runs)


pages = fresh("pages", load.pages, ("GET",))
ASKS = {"root": get("/"), "healthz": get("/healthz"), "page": page, "message": repeated("message"), "linked": fresh("linked"),
        "unlinked": repeated("unlinked"), "stored": fresh("stored"), "shared": shared, "login": login, "pages": pages, "bound pages": pages}
# Calls the stand-in must have got for each request.
CALLS = {"linked": {"UpdateItem": 1, "Query": 0}, "shared": {"UpdateItem": 1, "Query": 0}, "unlinked": {"Query": 1, "GetItem": 1, "UpdateItem": 1},
         "message": {"UpdateItem": 0, "Query": 0}, "login": {"Query": 1, "UpdateItem": 0},
         "pages": {"recipient": 0, "name": 0}, "bound pages": {"recipient": 1, "name": 1}}
PEER_CALLS = {"linked": {"Query": 1, "UpdateItem": 1}}
OWN = {"GetItem": 30}  # calls the service may make by itself meanwhile: does the store answer?


def check_calls(row, stage, before, result):
    """Requests under way when wrk stopped were worked on too, one a connection; a slow peer still has some of the last time."""
    if stage.database is None:
        return
    wanted = (CALLS if row.ours else PEER_CALLS).get(row.ask, {})
    after = servers.calls(stage.database)
    for name, each in wanted.items():
        made = after[name] - before[name]
        under_way = result.runs * row.connections * (1 if row.ours else 2)
        if not result.requests * each <= made <= (result.requests + under_way) * each + OWN.get(name, 0):
            raise load.Wrong(f"{row.title}: {made} {name} for {result.requests} requests")


# --- the table

def argon2():
    return load.argon2_hash(*ARGON2)


def bcrypt():
    return BCRYPT


OURS = [
    Row("floor", "libmicrohttpd in our loop, constant answer", on_floor, "root", ours=False),
    Row("nginx", "nginx, return 200", on_nginx, "root", ours=False),
    Row("healthz", "/healthz", on_standin(), "healthz"),
    Row("message", "webhook: a message", on_standin(), "message"),
    Row("linked", "webhook: linked, DynamoDB stand-in", on_standin(), "linked"),
    Row("libcurl", "the same, the requests by libcurl", on_standin(program=LIBCURL), "linked"),
    Row("linked5", "webhook: linked, DynamoDB stand-in of 5 ms", on_standin(5), "linked"),
    Row("one", "webhook: linked, one worker that two cores may run", on_workers(1), "linked"),
    Row("two", "webhook: linked, two workers on two cores", on_workers(2), "shared"),
    Row("sqlite", "webhook: linked, SQLite on {fs}", on_sqlite(), "stored"),
    Row("alone", "the same, a transaction each", on_sqlite(ALONE), "stored"),
    Row("sqlite_ms", "webhook: linked, SQLite, a flush takes 1 ms more", on_sqlite(flush_us=1000), "stored"),
    Row("alone_ms", "the same with 1 ms more, a transaction each", on_sqlite(ALONE, 1000), "stored"),
    Row("unlinked", "webhook: unlinked, DynamoDB stand-in", on_standin(), "unlinked"),
    Row("page", "/link, the login page", on_standin(), "page"),
    Row("pages", "/link, each time another linking token", on_standin(**servers.page_settings()), "pages"),
    Row("graph", "the same with a page token, two calls to Graph", on_standin(graph=True, **servers.page_settings()), "bound pages"),
    Row("argon2", f"login, argon2id {ARGON2[0] // 1024} MiB, {ARGON2[1]} passes", on_standin(password_hash=argon2, **servers.login_settings()),
        "login", LOGIN_CONNECTIONS),
    Row("bcrypt", "login, bcrypt cost 10", on_standin(password_hash=bcrypt, **servers.login_settings()), "login",
        LOGIN_CONNECTIONS),
]


def peers():
    """Rows of tests/bench/peers, where it is."""
    if importlib.util.find_spec("bench.peers") is None:
        return []
    from bench.peers import registry
    return [Row(name, f"{peer.title}: linked, DynamoDB stand-in", on_peer(name), "linked", ours=False) for name, peer in registry.PEERS.items()]


def table():
    kind = file_system(servers.BUILD)
    return [dataclasses.replace(one, title=one.title.format(fs=kind)) for one in OURS] + peers()

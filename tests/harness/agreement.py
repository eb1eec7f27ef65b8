"""Who Facebook believes to be linked, and whether the service's table says the same."""

import concurrent.futures
import threading
import time

from simulator import events

from . import canary, database, metrics
from .facebook import TOKEN, Facebook
from .phone import Phone
from .service import Service


def until(holds, otherwise, seconds=15):
    """Wait until `holds()`; fail with this sentence when it does not in that time."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, otherwise
        time.sleep(0.05)


class Agreement(Facebook):
    """`tokens`: page of each page token; `token`: the setting, None for a service without one."""

    def __init__(self, make_service, token=TOKEN, tokens=None, **settings):
        pages = tokens or {canary.secret(TOKEN, "page token"): events.PAGE_ID}
        super().__init__(make_service, **{"LINKD_PAGE_ACCESS_TOKEN": token, "LINKD_PAGE_IDS": ",".join(pages.values()),
                                          "LINKD_GRAPH_LOOKUPS": "1000", **settings})
        self.graph.tokens.update(pages)
        self.state = self.simulator.state

    def person(self, psid, service=None):
        """The phone of a person that Facebook may know already."""
        phone = Phone(service or self.service, psid)
        self.state.person(phone.psid)
        return phone

    def believes(self, psid):
        return self.state.person(psid).linked

    def deliver(self, phone, code, at=None, page=events.PAGE_ID):
        """A `linked` event.  As at Facebook the person is linked after the 200, whatever became of the code."""
        answer = phone.tell(events.linked(phone.psid, code, page, at))
        assert answer.status == 200
        with self.state.lock:
            self.state.person(phone.psid).linked = True

    def get_code(self, phone, who):
        self.open(phone)
        assert phone.login(who.email, who.password).status == 200
        assert phone.connect().status == 303 and phone.code
        return phone.code

    def link(self, phone, who, page=events.PAGE_ID):
        """From the Log In button to the webhook's 200."""
        self.deliver(phone, self.get_code(phone, who), page=page)
        return phone

    def unlinks(self):
        return sum(path.endswith("/me/unlink_accounts") for _, path in self.graph.calls)

    def messages(self):
        return sum(path.endswith("/me/messages") for _, path in self.graph.calls)

    def metric(self, name):
        return metrics.value(self.service, name)

    def unlinked(self, outcome):
        return self.metric(f'linkd_facebook_unlinks_total{{outcome="{outcome}"}}')

    def settle(self, seconds=30):
        """Wait until nothing is left to be told to Facebook."""
        until(lambda: not self.metric("linkd_facebook_unlinks_open"), "Facebook is still to be told", seconds)

    def differences(self):
        """The PSIDs that only one side believes to be linked."""
        with self.state.lock:
            theirs = {psid for psid, person in self.state.people.items() if person.linked}
        return theirs ^ {one["fb_psid"] for one in database.rows(self.service.database) if one["fb_psid"]}


one_at_a_time = threading.Lock()  # boto3 makes one client after the other


def play(run, directory):
    """Call `run` with a function that starts a service that has a page token.  -> what it raised, or None."""
    made = []

    def start(**settings):
        with one_at_a_time:
            service = Service(directory / str(len(made)), **settings)
        return service.start()

    def facebook(**settings):
        made.append(Agreement(start, **settings))
        return made[-1]

    try:
        run(facebook)
        return None
    except Exception as e:  # the test of this scenario raises it
        return e
    finally:
        for one in made:
            one.service.stop()
            one.stop()


class Scenarios(dict):
    """Scenarios by name, each a function that is called with one that starts a service with a page token."""
    def add(self, run):
        """Use it as a decorator."""
        self[run.__name__] = run
        return run

    def play(self, folders):
        """All at once, because they mostly wait.  -> what each raised, by name."""
        with concurrent.futures.ThreadPoolExecutor(len(self)) as pool:
            running = {name: pool.submit(play, run, folders.mktemp("agree")) for name, run in self.items()}
        return {name: one.result() for name, one in running.items()}

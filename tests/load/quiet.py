"""A service of whose log, too much to be kept, a part is read."""
from harness.service import Service

FIRST, EACH = 2000, 64  # lines kept at the start; after them one piece of this many


class QuietService(Service):
    def _read(self, stream, keep, watch):
        if not watch:
            super()._read(stream, keep, watch)
            return
        with stream:
            for raw in stream:
                line = raw.decode()
                keep.append(line)
                if '"listening"' in line:
                    self.listening.put(line)
                if len(keep) >= FIRST or '"started"' in line:
                    break
            self._skim(stream, keep)
        self.listening.put(None)

    @staticmethod
    def _skim(stream, keep):
        pieces = 0
        while piece := stream.read1(1 << 20):
            pieces += 1
            if len(keep) < FIRST or pieces % EACH == 0:
                whole = piece.decode("utf-8", "replace").split("\n")[1:-1]  # the ends may be parts of lines
                keep.extend(line + "\n" for line in whole[:100])

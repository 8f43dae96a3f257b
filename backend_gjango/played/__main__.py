"""``python -m backend_gjango.played PORT``: the providers' recorded days, until it is ended."""

import sys

from .day import recorded
from .server import server

if __name__ == "__main__":
    with server(recorded(), int(sys.argv[1])) as played:
        played.serve_forever()

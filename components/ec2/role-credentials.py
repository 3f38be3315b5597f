"""Berth: keeps the credentials of this instance's role in a file for an application that may not ask for them itself.

    credentials FILE GROUP

Asks the instance metadata service as root, and writes what botocore and the other AWS SDKs take from a
credential_process: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html"""

import grp
import json
import os
import sys
import tempfile
from datetime import UTC, datetime

from instance import Fault, credentials, end, session


def write(path, text, group):
    """In one rename, so that a reader finds the old ones or the new, and never a part."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w") as file:
            os.fchown(handle, -1, grp.getgrnam(group).gr_gid)
            os.fchmod(handle, 0o640)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(path, group):
    try:
        fresh = credentials(session())
        expires = datetime.fromisoformat(fresh["Expiration"].replace("Z", "+00:00"))
        if expires <= datetime.now(UTC):
            raise Fault(f"the credentials that AWS gives expired at {fresh['Expiration']}. Is this host's clock right?")
        write(path, json.dumps(fresh) + "\n", group)
    except Fault as fault:
        end(fault)


main(*sys.argv[1:])

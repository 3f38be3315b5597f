#!/usr/bin/python3
"""Berth: asks a MongoDB by its URL, from standard input, whether it takes a write and gives it back.

It says 'well', or what is wrong, in one line.
"""

import re
import socket
import sys

import pymongo
import pymongo.errors


def main() -> None:
    url = sys.stdin.readline().strip()
    # Steps run one at a time on a host.
    name = f"berth_proof_{socket.gethostname()}"
    wanted = {"_id": 1, "from": "Berth"}
    try:
        client = pymongo.MongoClient(url, serverSelectionTimeoutMS=5000, connectTimeoutMS=5000, socketTimeoutMS=20000)
        database = client.get_default_database()
        database.drop_collection(name)
        database[name].insert_one(wanted)
        found = database[name].find_one({"_id": 1})
        database.drop_collection(name)
        print("well" if found == wanted else "it does not give back what was written")
    except pymongo.errors.PyMongoError as fault:
        # PyMongo tells what it knows of the servers as well, and FerretDB where in it something failed.
        told = f"{fault}".split(", Timeout:")[0].split(", full error:")[0]
        print(re.sub(r"^(\[[^]]*\] )+", "", " ".join(told.split()))[:300])


main()

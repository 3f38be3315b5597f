"""Notices: read from XML, kept in MongoDB."""

from datetime import UTC, datetime

from lxml import etree
from pymongo import MongoClient

from portal import app

# Each worker connects when it first needs to, not before it is forked.
collection = MongoClient(app.config["MONGODB_URL"], connect=False).get_default_database().notices


def read(xml):
    """The notice in an XML text, `<notice><area>…</area><text>…</text></notice>`; ValueError if there is none."""
    try:
        notice = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ValueError(str(error)) from error
    area, text = notice.findtext("area"), notice.findtext("text")
    if notice.tag != "notice" or not area or not text:
        raise ValueError("expected <notice> with <area> and <text>")
    return {"area": area, "text": text}


def keep(notice):
    collection.insert_one(dict(notice, at=datetime.now(UTC)))


def newest(limit=50):
    return list(collection.find({}, {"_id": False}).sort("at", -1).limit(limit))


def count():
    return collection.count_documents({})


def answers():
    """Fails if the database does not answer."""
    collection.database.command("ping")

"""The signal lamp: visitors leave a message, a worker sends it by Morse code."""

import logging
import platform
import socket
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import click
from flask import Flask, abort, jsonify, redirect, render_template, request, session, url_for
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from lamp import messages, morse, parts, settings, signalman

log = logging.getLogger(__name__)
messages_on_the_page = 12
longest = {"sender": 60, "text": 120}


def create_app():
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    app = Flask(__name__, static_folder=Path(__file__).parent.parent / "static")
    app.config.update(
        SECRET_KEY=settings.SECRET_KEY,
        # None: every name is answered.
        TRUSTED_HOSTS=settings.ALLOWED_HOSTS or None,
        SESSION_COOKIE_SECURE=settings.SITE_URL.startswith("https:"),
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=16_384,
    )
    # nginx ends TLS and always sets these headers itself, so a visitor can't forge them.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)

    app.add_url_rule("/", view_func=front_page, methods=["GET", "POST"])
    app.add_url_rule("/health", view_func=health)
    app.cli.add_command(create_tables)
    app.cli.add_command(resend)
    app.after_request(without_cache)
    return app


def front_page():
    """Reading and writing need the database alone; without it the page still says how its parts are."""
    form, faults = {"sender": session.get("sender", ""), "text": ""}, {}
    shown, status = None, 200
    if request.method == "POST":
        if from_elsewhere():
            abort(403)
        form = {name: " ".join(request.form.get(name, "").split()) for name in longest}
        faults = faults_of(form)
        status = 422 if faults else 200
    try:
        if request.method == "POST" and not faults:
            message = messages.write(**form)
            session["sender"] = form["sender"]
            hand_over(message)
            return redirect(url_for("front_page", _anchor=f"message-{message}"), 303)
        shown = messages.newest(messages_on_the_page)
    except SQLAlchemyError as error:
        log.error("the messages can't be read or written: %s", error)
        status = 503
    all_parts = [parts.postgres(), parts.redis(), parts.worker()]
    return render_template(
        "front_page.html",
        form=form,
        faults=faults,
        longest=longest,
        messages=shown,
        waiting=any(message.sent_at is None for message in shown or ()),
        parts=all_parts,
        failing=[part for part in all_parts if not part.well],
        deployment=deployment(),
    ), status


def health():
    """Can a visitor be served? 200, or 503 naming the part that fails."""
    asked = [parts.postgres(), parts.redis()]
    well = all(part.well for part in asked)
    answer = {part.key: "ok" if part.well else "failing" for part in asked}
    answer |= {"status": "ok" if well else "failing", "release": settings.BERTH_RELEASE}
    return jsonify(answer), 200 if well else 503


def from_elsewhere():
    """Whether a form was sent by another site's page: browsers say which, by the header Origin."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).hostname != urlsplit(request.url).hostname


def faults_of(form):
    faults = {name: f"{most} characters at most." for name, most in longest.items() if len(form[name]) > most}
    if not form["sender"]:
        faults["sender"] = "Please say who sends it."
    if not morse.encode(form["text"]):
        faults["text"] = "Please write something that has letters or digits from A to Z and 0 to 9."
    return faults


def hand_over(message):
    """While Redis is away the message waits in the database; `flask resend` gives it to the worker later."""
    try:
        signalman.give(message)
    except (RedisError, OSError) as error:
        log.error("message %d waits, for Redis is away: %s", message, error)


def without_cache(response):
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def deployment():
    return {
        "site": settings.SITE_NAME,
        "release": settings.BERTH_RELEASE,
        "released_at": settings.BERTH_RELEASED_AT,
        "stack": settings.BERTH_STACK,
        "host": settings.BERTH_HOST or socket.gethostname(),
        "python": platform.python_version(),
        "flask": version("flask"),
    }


@click.command("create-tables")
def create_tables():
    """Makes the tables that are not there yet."""
    messages.create_tables()


@click.command()
@click.option("--older-than", default=60, help="Seconds that a message must have waited.")
def resend(older_than):
    """Gives the worker the messages that have waited for long, as those written while Redis was away."""
    waiting = messages.waiting_since(timedelta(seconds=older_than))
    for message in waiting:
        signalman.give(message)
    click.echo(f"given to the worker once more: {len(waiting)}")

"""The web portal: notices to mariners, which arrive as XML and are kept in MongoDB."""

from flask import Flask

app = Flask(__name__)
# Without a file of settings it does not start: nobody serves with those of debug.cfg by accident.
app.config.from_envvar("FLASK_CONFIG")

from portal import views  # noqa: E402, F401

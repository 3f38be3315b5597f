import os

from flask import jsonify, render_template, request, session

from portal import app, notices


@app.route("/")
def index():
    # What the visitor has seen is in a cookie, which SECRET_KEY signs.
    total = notices.count()
    new = total - session.get("seen", 0)
    session["seen"] = total
    return render_template("index.html", notices=notices.newest(), new=new)


@app.route("/notices", methods=["GET"])
def list_notices():
    found = [{"area": one["area"], "text": one["text"]} for one in notices.newest()]
    return jsonify(notices=found, release=os.environ.get("BERTH_RELEASE", "development"))


@app.route("/notices", methods=["POST"])
def take_notice():
    try:
        notice = notices.read(request.get_data())
    except ValueError as error:
        return str(error), 400, {"Content-Type": "text/plain"}
    notices.keep(notice)
    return "", 201


@app.route("/health")
def health():
    notices.answers()
    return "well"

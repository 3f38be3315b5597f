# Part of gunicorn.py and of uwsgi-application.py.


class Answers:
    """A WSGI application, with what each of its answers needs on its way to a visitor.

    `moves` is called as a request begins and with each part of its answer: one that lasts for long, and moves, does not
    stand still. `running` has the requests whose answers are not whole yet.
    """

    def __init__(self, application, moves):
        self._application = application
        self._moves = moves
        self.running = set()

    def __call__(self, environ, start_response):
        # nginx hands the visitor's address on: a Unix socket knows none.
        environ["REMOTE_ADDR"] = environ.get("HTTP_X_REAL_IP", "127.0.0.1")
        self._moves()
        request = object()
        self.running.add(request)
        body = None
        try:
            body = self._application(environ, self._starting(start_response))
        finally:
            if not self._comes_in_parts(body, environ):
                self.running.discard(request)
        return Parts(body, self._moves, lambda: self.running.discard(request)) if request in self.running else body

    def _starting(self, start_response):
        def start(status, headers, *more):
            told = {name.lower(): value for name, value in headers}
            if told.get("content-type", "").startswith("text/event-stream") and "x-accel-buffering" not in told:
                # nginx would keep events until it has some kilobytes of them.
                headers = [*headers, ("X-Accel-Buffering", "no")]
            write = start_response(status, headers, *more)

            def written(part):
                self._moves()
                return write(part)

            return written

        return start

    @staticmethod
    def _comes_in_parts(body, environ):
        """A file is for the server itself to send, and a list is whole."""
        wrapper = environ.get("wsgi.file_wrapper")
        is_file = hasattr(body, "read") or (isinstance(wrapper, type) and isinstance(body, wrapper))
        return not is_file and not isinstance(body, (bytes, list, tuple, type(None)))


class Parts:
    """The body of an answer, which tells of each part that comes, and of its end."""

    def __init__(self, body, moves, end):
        self._body = body
        self._parts = iter(body)
        self._moves = moves
        self._end = end

    def __iter__(self):
        return self

    def __next__(self):
        part = next(self._parts)
        self._moves()
        return part

    def close(self):
        self._end()
        if hasattr(self._body, "close"):
            self._body.close()

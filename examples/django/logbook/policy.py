"""What browsers are told of the pages: Content-Security-Policy."""

from urllib.parse import urlsplit

from django.conf import settings


def origin(url):
    """The origin of an absolute URL, as a source of the policy; none for a path on this site."""
    parts = urlsplit(url)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


def policy():
    static = ["'self'", *origin(settings.STATIC_URL)]
    # Links into a bucket have its own name and its region's.
    pictures = [*static, *origin(settings.MEDIA_URL), *(["https:"] if settings.BUCKET_NAME else [])]
    return {
        "default-src": ["'none'"],
        "script-src": static,
        "style-src": static,
        "img-src": pictures,
        "font-src": static,
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def header(directives):
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def content_security_policy(get_response):
    """Middleware. With DEBUG on, Django's pages about errors have scripts and styles of their own in them."""
    usual = header(policy())
    # The page 500.html stands alone, with its style in it.
    alone = header({"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "frame-ancestors": ["'none'"]})

    def middleware(request):
        response = get_response(request)
        if not settings.DEBUG:
            response.headers.setdefault(
                "Content-Security-Policy", alone if response.status_code == 500 else usual
            )
        return response

    return middleware

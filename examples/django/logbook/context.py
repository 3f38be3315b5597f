from django.conf import settings


def site(request):
    """What every page, error pages too, needs to know of the site. Asks nothing of Postgres or Redis."""
    return {"site_name": settings.SITE_NAME}

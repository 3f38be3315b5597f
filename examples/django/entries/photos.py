from io import BytesIO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.template.defaultfilters import filesizeformat
from PIL import Image, ImageOps

formats = ("JPEG", "PNG", "WEBP")
most_bytes = 5 * 1024 * 1024
# A 50-megapixel phone camera; beyond it a small file can unpack to more memory than a small host has.
most_pixels = 50_000_000
longest_side = 1600


def prepare(upload):
    """
    The visitor's photo as a JPEG of our own making, at most 1600 pixels long: turned upright, and with
    nothing of the original file left in it (the place it was taken, or a script behind the picture).
    """
    if upload.size > most_bytes:
        raise ValidationError(
            f"This photo has {filesizeformat(upload.size)}; at most {filesizeformat(most_bytes)} can be "
            "kept. Send a smaller one."
        )
    try:
        upload.seek(0)
        with Image.open(upload, formats=formats) as image:
            if image.width * image.height > most_pixels:
                raise ValidationError(
                    f"This photo is {image.width} × {image.height} pixels, which is too large. "
                    "Send a smaller one."
                )
            image.draft("RGB", (longest_side, longest_side))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((longest_side, longest_side))
            return ContentFile(as_jpeg(upright), name="photo.jpg")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValidationError(
            "This file can’t be read as a photo. Send a JPEG, PNG or WebP picture."
        ) from error


def smaller(photo, side):
    """A copy of a photo that `prepare` has made, at most so many pixels long, as JPEG."""
    with Image.open(photo, formats=formats) as image:
        image.draft("RGB", (side, side))
        image.thumbnail((side, side))
        return as_jpeg(image)


def as_jpeg(image):
    """JPEG knows no transparency: what was see-through becomes white."""
    layered = image.convert("RGBA")
    flat = Image.new("RGB", layered.size, "white")
    flat.paste(layered, mask=layered.getchannel("A"))
    out = BytesIO()
    flat.save(out, "JPEG", quality=84, optimize=True, progressive=True)
    return out.getvalue()

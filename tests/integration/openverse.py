"""Openverse's documents, built in Python from the columns of a row.

This is the second opinion on examples/openverse/*.sql: it follows the same rules, and shares nothing
with them. bench/python_worker.py builds its documents with it too.
"""

import math
import re

AUTHORITY = {
    **dict.fromkeys(["flickr", "behance", "thingiverse", "sketchfab", "deviantart"], 75),
    **dict.fromkeys(["thorvaldsensmuseum", "svgsilh", "smithsonian", "rijksmuseum",
                     "museumsvictoria", "met", "mccordsmuseum", "digitaltmuseum",
                     "clevelandmuseum", "brooklynmuseum"], 90),
    **dict.fromkeys(["stocksnap", "rawpixel"], 85),
}
# Python's float() also takes "1_000", "inf", "NaN" and digits of other scripts.
NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*")
NUMBER_LENGTH = 400
DESCRIPTION_LENGTH = 2000
SMALL, MEDIUM = 640 * 480, 1600 * 900  # pixels
LENGTHS = ((30_000, "shortest"), (120_000, "short"), (600_000, "medium"), (math.inf, "long"))  # ms


def rows_query(model, where="true"):
    """The columns of all rows, with two more: `deleted` and `mature`, of the lists that the API keeps.

    WHERE may name a column of the table as `t.column`.
    """
    return (f"SELECT t.*,"
            f" EXISTS (SELECT FROM api_deleted{model} a WHERE a.identifier = t.identifier) AS deleted,"
            f" EXISTS (SELECT FROM api_mature{model} a WHERE a.identifier = t.identifier) AS mature"
            f" FROM {model} t WHERE {where}")


def image_document(row):
    """The document of a row of rows_query("image"), or None when it is left out."""
    if is_left_out(row):
        return None
    return without_empty({
        **common_fields(row),
        "aspect_ratio": aspect_ratio(row["width"], row["height"]),
        "size": size(row["width"], row["height"]),
        "extension": extension_of(row["url"]),
    })


def audio_document(row):
    """The document of a row of rows_query("audio"), or None when it is left out."""
    if is_left_out(row):
        return None
    return without_empty({
        **common_fields(row),
        "length": length(row["duration"]),
        "filetype": row["filetype"],
        "extension": filetypes(row["alt_files"], row["filetype"]),
    })


BUILDERS = {"image": image_document, "audio": audio_document}


def is_left_out(row):
    return row["removed_from_source"] or row["deleted"]


def without_empty(document):
    return {name: value for name, value in document.items() if not is_empty(value)}


def is_empty(value):
    return value is None or (isinstance(value, (list, dict)) and not value)


def common_fields(row):
    meta_data = row["meta_data"] if isinstance(row["meta_data"], dict) else {}
    popularity = standardized_popularity(row["standardized_popularity"])
    authority = authority_boost(meta_data, row["provider"])
    return {
        "id": row["id"],
        "created_on": row["created_on"].isoformat(),
        "identifier": str(row["identifier"]),
        "provider": row["provider"],
        "source": row["source"],
        "category": row["category"],
        "title": row["title"],
        "creator": row["creator"],
        "url": row["url"],
        "mature": row["mature"] or meta_data.get("mature", False),
        "license": row["license"].lower(),
        "description": description(meta_data),
        "standardized_popularity": popularity,
        "authority_boost": authority,
        "max_boost": max(popularity or 1, authority or 1),
        "min_boost": min(popularity or 1, authority or 1),
        "tags": tags(row["tags"]),
    }


def description(meta_data):
    text = meta_data.get("description")
    return text[:DESCRIPTION_LENGTH] if isinstance(text, str) else None


def rank(value):
    """A rank feature: from 0 to 100, absent when 0 to begin with or no number."""
    if value is None or value == 0 or value != value:  # NaN differs from itself
        return None
    return min(max(value, 0), 100)


def standardized_popularity(column):
    return rank(column * 100) if column is not None else None


def authority_boost(meta_data, provider):
    if "authority_boost" in meta_data:
        return rank(number(meta_data["authority_boost"]))
    return AUTHORITY.get(provider)


def number(value):
    """A JSON value as a number, or None."""
    if isinstance(value, str) and len(value.encode()) <= NUMBER_LENGTH and NUMBER.fullmatch(value):
        return float(value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else None


def tags(column):
    if not isinstance(column, list):
        return None
    return [{key: tag[key] for key in ("name", "accuracy") if key in tag}
            for tag in column if isinstance(tag, dict) and "name" in tag]


def aspect_ratio(width, height):
    if width is None or height is None:
        return None
    if height == width:
        return "square"
    return "tall" if height > width else "wide"


def size(width, height):
    if width is None or height is None:
        return None
    pixels = width * height
    if pixels < SMALL:
        return "small"
    return "medium" if pixels < MEDIUM else "large"


def extension_of(url):
    extension = (url or "").split(".")[-1].lower()
    return extension if extension and "/" not in extension else None


def length(duration):
    if not duration:
        return None
    return next(name for limit, name in LENGTHS if duration < limit)


def filetypes(alt_files, filetype):
    """What a file of the list doesn't say is left out of the list."""
    if not isinstance(alt_files, list) or not alt_files:
        return filetype
    return [file["filetype"] for file in alt_files if isinstance(file, dict) and "filetype" in file]

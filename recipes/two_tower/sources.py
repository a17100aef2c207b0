"""The tables that two_tower reads, and what their files and columns are called by those who have some; read everywhere.

Tables and columns have the names of MovieLens: a movie may be a book, an artist, a product or a place.
"""

from __future__ import annotations

from dataclasses import replace

from trainyard.contract.sources import Column, Layout, Source

USER = (
    *("user", "uid", "username", "user sha1", "user email", "email", "account", "account id", "member"),
    *("member id", "customer", "customer id", "customer no", "customer number", "client", "client id", "shopper"),
    *("visitor", "visitor id", "person", "person id", "reader", "reader id", "listener", "player", "player id"),
    *("reviewer", "reviewer id", "rater", "profile", "profile id", "steam id", "session", "session id", "u"),
    *("profile name", "viewer", "viewer id", "kunde", "kundennummer", "nutzer", "benutzer", "benutzername", "usuario"),
    *("utilisateur", "utente"),
)
ITEM = (
    *("movie", "item", "item id", "iid", "film", "film id", "asin", "parent asin", "isbn", "product", "product id"),
    *("product code", "sku", "stock code", "article", "article id", "book", "book id", "artist", "artist id"),
    *("artist mbid", "track", "track id", "song", "song id", "album", "album id", "show", "show id", "anime"),
    *("anime id", "game", "game id", "app", "app id", "video", "video id", "course", "course id", "recipe"),
    *("recipe id", "business", "business id", "place", "place id", "venue", "venue id", "restaurant"),
    *("restaurant id", "hotel", "hotel id", "poi", "poi id", "listing", "listing id", "post", "post id", "news id"),
    *("content", "content id", "joke", "joke id", "beer", "beer id", "wine", "wine id", "repo", "repo id", "offer"),
    *("offer id", "object id", "i", "artikel", "artikelnummer", "produkt", "produktnummer", "buch", "producto"),
    *("libro", "película", "produit", "livre", "prodotto"),
)
RATING = (
    *("ratings", "score", "stars", "star", "star rating", "overall", "book rating", "user rating", "user score"),
    *("rating value", "review score", "grade", "mark", "points", "vote", "votes", "preference", "pref", "like"),
    *("liked", "weight", "strength", "value", "count", "counts", "plays", "playcount", "listen count"),
    *("listens", "times", "frequency", "views", "view count", "clicks", "hours", "hours played", "playtime"),
    *("quantity", "qty", "amount", "my rating", "your rating", "playtime forever", "minutes played"),
    *("bewertung", "wertung", "sterne", "puntuación", "calificación", "valoración", "estrellas", "étoiles", "voto"),
    *("valutazione", "βαθμολογία"),
)
TIME = (
    *("time", "ts", "date", "datetime", "unix review time", "review time", "review date", "rating date"),
    *("rating timestamp", "rated at", "created", "created at", "event time", "event timestamp", "event date", "when"),
    *("purchase date", "order date", "invoice date", "transaction date", "watched at", "played at", "viewed at"),
    *("listened at", "updated at", "date added", "start time", "utc time", "t", "datum", "zeit", "zeitpunkt"),
    *("fecha", "ημερομηνία"),
)
# Names that say whose title or kind it is; of a catalogue, which has nothing else, plainer ones do.
ITEM_TITLE = (
    *("movie title", "book title", "item name", "item title", "product name", "product title", "original title"),
    *("artist name", "track name", "song name", "business name", "game title", "description"),
)
ITEM_GENRES = (
    *("genre", "categories", "category", "product category", "main category", "item category", "category name"),
    *("category code", "brand"),
)
TITLE = (*ITEM_TITLE, "name", "headline", "label")
GENRES = (*ITEM_GENRES, "subject", "subjects", "topic", "topics", "style", "type", "kind", "department", "section")
YEAR = (
    *("release year", "released", "release date", "movie release date", "publication year", "year of publication"),
    *("original publication year", "publication date", "published", "start year"),
)

# Of what has no key the title is it.
TITLE_AS_KEY = tuple((each, "") for each in ("title", "name", *ITEM_TITLE) if each != "description")
KEYS = (Column(name="userId", type="id", synonyms=USER), Column(name="movieId", type="id", synonyms=ITEM))
RATINGS = Source(
    name="ratings",
    files=(
        *("ratings", "rating", "u.data", "reviews", "review", "interactions", "interaction", "feedback", "votes"),
        *("likes", "plays", "listens", "listening", "scrobbles", "user_artists", "watches", "watched", "views"),
        *("history", "events", "clicks", "purchases", "transactions", "orders", "sales", "user_items"),
        *("user_ratings", "user_movies", "book-ratings", "book_ratings", "bx-book-ratings"),
    ),
    columns=(
        KEYS[0],
        replace(KEYS[1], stand_ins=TITLE_AS_KEY),
        Column(name="rating", type="float64", nullable=True, required=False, synonyms=RATING),
        Column(name="timestamp", type="timestamp", nullable=True, required=False, synonyms=TIME),
        # Of what has no line in a catalogue.
        Column(name="title", type="string", nullable=True, required=False, synonyms=ITEM_TITLE),
        Column(name="genres", type="string", nullable=True, required=False, synonyms=ITEM_GENRES),
    ),
    layouts=(
        Layout(columns=("userId", "movieId", "rating", "timestamp"), files=("u.data", "ratings")),
        Layout(columns=("userId", "movieId", "rating"), files=("ratings",)),
        Layout(columns=("userId", "movieId"), files=("interactions", "likes", "clicks")),
        # Last.fm's listening histories of a thousand users.
        Layout(
            columns=("userId", "timestamp", "movieId", "title", "", ""),
            files=("userid-timestamp-artid-artname-traid-traname",),
        ),
        # How often 360,000 people played artists; by name, for not every artist has an id.
        Layout(columns=("userId", "", "movieId", "rating"), files=("usersha1-artmbid-artname-plays",), only_named=True),
        # Games on Steam: a line for the purchase, and below it one with the hours played, which is the one that stays.
        Layout(columns=("userId", "movieId", "", "rating", ""), files=("steam-200k",), only_named=True),
    ),
    unique=("userId", "movieId"),
    repeats="latest",
    latest_by="timestamp",
)
# The flags of u.item in MovieLens 100K, in the order of u.genre; the first, "unknown", is no genre.
FLAGS = (
    *("Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
MOVIES = Source(
    name="movies",
    files=(
        *("movies", "movie", "u.item", "items", "item", "films", "products", "product", "books", "bx-books"),
        *("artists", "artist", "tracks", "songs", "albums", "shows", "anime", "games", "catalogue", "catalog"),
        *("articles", "business", "businesses", "places", "venues", "restaurants", "movie_titles", "movies_metadata"),
    ),
    columns=(
        Column(name="movieId", type="id", synonyms=(*ITEM, "id")),
        Column(name="title", type="string", nullable=True, required=False, synonyms=TITLE),
        Column(name="genres", type="string", nullable=True, required=False, synonyms=GENRES),
        Column(name="year", type="string", nullable=True, required=False, synonyms=YEAR),
    ),
    layouts=(
        Layout(
            columns=("movieId", "title", "year", "", "", "", *(f"genres={each}" for each in FLAGS)), files=("u.item",)
        ),
        Layout(columns=("movieId", "title", "genres"), files=("movies",)),
        Layout(columns=("movieId", "title"), files=("movies", "items", "products", "artists")),
    ),
    required=False,
    unique=("movieId",),
    repeats="first",
)
TAGS = Source(
    name="tags",
    files=("tags", "tag"),
    columns=(KEYS[1], Column(name="tag", type="string", nullable=True, verbatim=True, synonyms=("label", "keyword"))),
    layouts=(Layout(columns=("", "movieId", "tag", ""), files=("tags",)),),
    required=False,
)
LINKS = Source(
    name="links",
    files=("links", "link"),
    columns=(KEYS[1], Column(name="imdbId", type="string", nullable=True, synonyms=("imdb", "tconst"))),
    required=False,
    unique=("movieId",),
    repeats="first",
)

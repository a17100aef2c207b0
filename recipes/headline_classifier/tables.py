"""The tables that headline_classifier reads, and what their files and columns are called; standard library only.

Headlines are any table with a text and a class. What else a file has is optional: an id, a description that is read
with the text, and a story whose headlines are held out together.
"""

from __future__ import annotations

from trainyard.contract.sources import Column, Layout, Source

# Other names of the columns; of several that a file has, the first counts.
ID_NAMES = (
    *("headline_id", "article_id", "news_id", "text_id", "tweet_id", "message_id", "question_id", "qid"),
    *("row_id", "uid", "uuid", "guid"),
)
TITLE_NAMES = (
    *("headline", "headline_text", "news_headline", "news_title", "text", "sentence", "question", "question_text"),
    *("query", "utterance", "message", "message_text", "tweet", "tweet_text", "content", "subject", "phrase", "v2"),
    *("product_name", "product_title", "short_text", "document", "comment", "comment_text", "sms", "review"),
    *("feedback", "feedback_text", "verbatim", "ticket", "betreff", "asunto", "objet", "oggetto"),
    *("titel", "überschrift", "schlagzeile", "titre", "título", "titulo", "titolo", "texto", "texte"),
)
DESCRIPTION_NAMES = ("short_description", "summary", "abstract", "subtitle", "teaser", "lead", "beschreibung")
CATEGORY_NAMES = (
    *("category_name", "headline_category", "news_category", "class", "class_name", "label", "label_text"),
    *("label_name", "topic", "section", "intent", "sentiment", "airline_sentiment", "target", "class_index"),
    *("class_label", "category_id", "label_id", "is_sarcastic", "is_spam", "spam", "v1", "department", "genre"),
    *("subject", "type", "tag", "kategorie", "klasse", "thema", "rubrik", "ressort", "catégorie", "categoria"),
    *("categoría", "classe", "clase", "queue", "team", "group", "issue_type", "ticket_type"),
)
URL_NAMES = ("link", "article_url", "article_link", "news_url", "source_url", "href", "permalink", "web_url")
PUBLISHER_NAMES = ("news_source", "source_name", "outlet", "newspaper", "publication")
STORY_NAMES = ("story_id", "cluster", "cluster_id", "event_id")
HEADLINE_FILES = (
    *("newscorpora", "uci-news-aggregator", "news", "headlines", "titles", "articles", "train", "test", "validation"),
    *("news_category_dataset", "news_category_dataset_v2", "news_category_dataset_v3", "spam", "smsspamcollection"),
    *("ag_news", "texts", "questions", "queries", "intents", "tweets", "messages", "tickets", "products", "data"),
)
HEADLINES = Source(
    name="headlines",
    files=HEADLINE_FILES,
    columns=(
        Column(name="ID", type="id", nullable=True, required=False, synonyms=ID_NAMES),
        Column(name="TITLE", type="string", synonyms=TITLE_NAMES),
        Column(name="DESCRIPTION", type="string", nullable=True, required=False, synonyms=DESCRIPTION_NAMES),
        # Not needed where headlines are only scored.
        Column(name="CATEGORY", type="id", nullable=True, required=False, synonyms=CATEGORY_NAMES),
        Column(name="STORY", type="id", nullable=True, required=False, synonyms=STORY_NAMES),
        # Read where `data.read_url` and `data.read_publisher` say so.
        Column(name="URL", type="string", nullable=True, required=False, synonyms=URL_NAMES),
        Column(name="PUBLISHER", type="string", nullable=True, required=False, synonyms=PUBLISHER_NAMES),
    ),
    layouts=(
        Layout(columns=("ID", "TITLE", "URL", "PUBLISHER", "CATEGORY", "STORY", "", ""), files=("newscorpora",)),
        # AG's corpus, and others in its form.
        Layout(columns=("CATEGORY", "TITLE", "DESCRIPTION"), files=("train", "test", "ag_news")),
        Layout(columns=("CATEGORY", "TITLE"), files=("smsspamcollection", "train", "test")),
    ),
)
CORPUS = Source(
    name="corpus",
    files=("corpus", "text8"),
    columns=(Column(name="line", type="string", nullable=True),),
    layouts=(Layout(columns=("line",), files=("corpus", "text8")),),
    required=False,
)
WORD_PAIRS = Source(
    name="word_pairs",
    files=("wordsim353_combined", "wordsim353", "combined"),
    columns=(
        Column(name="Word 1", type="string"),
        Column(name="Word 2", type="string"),
        Column(name="Human (mean)", type="float64"),
    ),
    required=False,
)
CLASS_NAMES = Source(
    name="class_names",
    files=("classes", "class_names"),
    columns=(
        Column(
            name="class", type="id", required=False, place=True, synonyms=("class_index", "category", "label", "id")
        ),
        Column(name="name", type="string", synonyms=("class_name", "category_name", "label_name")),
    ),
    layouts=(Layout(columns=("name",), files=("classes", "class_names")),),
    required=False,
)

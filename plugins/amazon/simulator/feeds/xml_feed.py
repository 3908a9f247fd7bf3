"""Reading XML feeds as strictly as Amazon's schemas ask (amzn-envelope.xsd)."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from plugins.amazon.simulator.reading import whole_number

# amzn-base.xsd: IDNumber.
_MOST = 10**20 - 1


class SchemaError(Exception):
    """The whole file is refused; `code` is 5000 (not XML) or 5002 (not the schema)."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


def read_envelope(content: bytes, seller: str, kind: str) -> list[tuple[int, Element]]:
    """The messages of a feed: their MessageID and the element named `kind`.

    Raises:
        SchemaError: not well-formed, not the envelope, another seller's, or of another MessageType.
    """
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError) as problem:
        raise SchemaError(5000, f"XML Parsing Error: {problem}") from problem
    if root.tag != "AmazonEnvelope":
        raise SchemaError(5002, f"The document's root is {root.tag}, not AmazonEnvelope.")
    parts = sequence(root, "Header MessageType MarketplaceName? PurgeAndReplace? EffectiveDate? Message+")
    header = sequence(parts["Header"][0], "DocumentVersion MerchantIdentifier")
    if text(header["MerchantIdentifier"][0]) != seller:
        raise SchemaError(5002, "MerchantIdentifier is not the seller this feed was submitted for.")
    if text(parts["MessageType"][0]) != kind:
        raise SchemaError(5002, f"MessageType must be {kind} for this feed type.")
    return [_message(message, kind) for message in parts["Message"]]


def _message(element: Element, kind: str) -> tuple[int, Element]:
    parts = sequence(element, f"MessageID OperationType? {kind}")
    return positive(parts["MessageID"][0]), parts[kind][0]


def sequence(element: Element, grammar: str) -> dict[str, list[Element]]:
    """The children by name, checked against an xsd:sequence written as `A B? C* D+`; `A|B` is a choice of one.

    Raises:
        SchemaError: a child is missing, unknown or out of order.
    """
    found: dict[str, list[Element]] = {}
    children = list(element)
    for word in grammar.split():
        names = word.rstrip("?*+").split("|")
        most = len(children) if word[-1] in "*+" else 1
        taken: list[Element] = []
        while children and children[0].tag in names and len(taken) < most:
            taken.append(children.pop(0))
        if not taken and word[-1] not in "?*":
            there = children[0].tag if children else "the end"
            raise SchemaError(5002, f"Invalid content in {element.tag}: {' or '.join(names)} expected, {there} found.")
        for name in names:
            found[name] = [each for each in taken if each.tag == name]
    if children:
        raise SchemaError(5002, f"Invalid content in {element.tag}: {children[0].tag} is not expected here.")
    return found


def text(element: Element, longest: int | None = None) -> str:
    """The text of an element that must have some; raises SchemaError."""
    content = (element.text or "").strip()
    if len(element) or not content:
        raise SchemaError(5002, f"{element.tag} must hold text.")
    if longest is not None and len(content) > longest:
        raise SchemaError(5002, f"{element.tag} is longer than {longest} characters.")
    return content


def optional(found: list[Element], longest: int | None = None) -> str | None:
    """The text of an element that may be left out."""
    return text(found[0], longest) if found else None


def positive(element: Element) -> int:
    """A whole number from 1 up, of 20 digits at most; raises SchemaError."""
    try:
        return whole_number(text(element), 1, _MOST)
    except ValueError as problem:
        raise SchemaError(5002, f"{element.tag}: {problem}.") from problem

"""An invoice as PDF, on A4: the same bytes for the same document, whenever it is drawn."""

from dataclasses import dataclass
from io import BytesIO

from orders.invoicing.document import Document
from orders.invoicing.text_layout import BOLD, REGULAR, Canvas, printable, width, wrapped

Colour = tuple[float, float, float]

# Lengths are points of 1/72 inch, from the bottom left corner.
WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 50.0, WIDTH - 50.0, HEIGHT - 50.0, 66.0
FROM, BILLED, KNOWN_BY = LEFT, LEFT + 150.0, LEFT + 310.0
LABELS, FIGURE, SUMS, GAP = 74.0, 64.0, 236.0, 10.0
HEADS, RUNNING_HEAD, MOST = 22.0, 34.0, 36

INK, SOFT, ACCENT = (0.13, 0.14, 0.16), (0.42, 0.45, 0.49), (0.05, 0.33, 0.36)
BAND, HAIR = (0.93, 0.95, 0.95), (0.85, 0.87, 0.88)


@dataclass(frozen=True)
class Row:
    """A line of the table: title and SKU broken to their column, and its figures."""

    title: list[str]
    sku: list[str]
    figures: list[str]

    @property
    def height(self) -> float:
        return 10 + 11.5 * len(self.title) + 9.5 * len(self.sku)


def render(document: Document) -> bytes:
    """The invoice as a PDF file."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, lang="en-GB")
    canvas.setTitle(document.title)
    canvas.setAuthor(document.seller.name)
    canvas.setCreator(document.seller.name)
    canvas.setSubject(f"Order {document.order_number}")
    canvas.setDateFormatter(lambda *_: f"D:{document.issued_at:%Y%m%d%TimelineEvent%M%S}Z")
    _Drawing(canvas, document).pages()
    canvas.save()
    return file.getvalue()


class _Drawing:
    """One invoice on its way to paper, from the top of a page down: `y` is how far it is."""

    def __init__(self, canvas: Canvas, document: Document) -> None:
        self.canvas = canvas
        self.document = document
        self.y = TOP
        self.columns = document.columns
        self.title_room = RIGHT - LEFT - FIGURE * len(self.columns) - GAP
        self.seller = _fitted((*document.seller.address, document.seller.known_by), BILLED - FROM - GAP)
        self.buyer = _fitted((*document.buyer, document.email), KNOWN_BY - BILLED - GAP)
        self.known_by = [
            (label, _fitted((text,), RIGHT - KNOWN_BY - LABELS)) for label, text in document.particulars
        ]

    def pages(self) -> None:
        """Every page. What goes where is known before the first is drawn: each says how many there are."""
        pages = self.rows_by_page()
        for number, rows in enumerate(pages, start=1):
            self.y = TOP
            if number == 1:
                self.opening()
            else:
                self.running_head()
            self.table(rows)
            if number == len(pages):
                self.closing()
            self.footer(f"Page {number} of {len(pages)}")
            self.canvas.showPage()

    def rows_by_page(self) -> list[list[Row]]:
        """The table's rows, page by page; the last page has room for the sums."""
        pages: list[list[Row]] = [[]]
        room = TOP - self.opening_height - HEADS - BOTTOM
        fresh = TOP - RUNNING_HEAD - HEADS - BOTTOM
        for line in self.document.lines:
            row = Row(
                title=wrapped(printable(line.title), REGULAR, 9, self.title_room),
                sku=wrapped(printable(line.sku), REGULAR, 7.5, self.title_room),
                figures=self.document.figures(line),
            )
            if row.height > room:
                pages.append([])
                room = fresh
            pages[-1].append(row)
            room -= row.height
        return pages if room >= self.closing_height else [*pages, []]

    @property
    def opening_height(self) -> float:
        longest = max(len(self.seller), len(self.buyer), sum(len(lines) for _, lines in self.known_by))
        return 92 + 13 * longest

    def opening(self) -> None:
        """The head of the first page: who sells to whom, and what the invoice is known by."""
        bottom = self.y - self.opening_height
        name = printable(self.document.seller.name)
        self.text(LEFT, self.y - 16, name, BOLD, 17, ACCENT, room=300)
        self.right(RIGHT, self.y - 16, "INVOICE", BOLD, 17, INK)
        self.right(RIGHT, self.y - 31, self.document.invoice_number, REGULAR, 10, SOFT)
        self.rule(self.y - 42, ACCENT, 1.2)
        self.y -= 62
        for x, label, lines in ((FROM, "From", self.seller), (BILLED, "Billed to", self.buyer)):
            self.text(x, self.y, label, BOLD, 8, ACCENT)
            for place, line in enumerate(lines, start=1):
                self.text(x, self.y - 1 - 13 * place, line, REGULAR, 9)
        self.text(KNOWN_BY, self.y, "Details", BOLD, 8, ACCENT)
        y = self.y - 1
        for label, lines in self.known_by:
            self.text(KNOWN_BY, y - 13, label, REGULAR, 9, SOFT)
            for line in lines:
                y -= 13
                self.text(KNOWN_BY + LABELS, y, line, REGULAR, 9)
        self.y = bottom

    def running_head(self) -> None:
        """The head of every further page."""
        self.text(LEFT, self.y - 10, printable(self.document.seller.name), BOLD, 9, ACCENT, room=300)
        self.right(RIGHT, self.y - 10, self.document.title, REGULAR, 9, SOFT)
        self.rule(self.y - 18, HAIR, 0.6)
        self.y -= RUNNING_HEAD

    def table(self, rows: list[Row]) -> None:
        if not rows:
            return
        self.canvas.setFillColorRGB(*BAND)
        self.canvas.rect(LEFT, self.y - HEADS + 4, RIGHT - LEFT, HEADS - 4, stroke=0, fill=1)
        self.text(LEFT + 6, self.y - 12, "Item", BOLD, 8, ACCENT)
        self.figures(self.y - 12, self.columns, BOLD, 8, ACCENT)
        self.y -= HEADS
        for row in rows:
            for place, line in enumerate(row.title, start=1):
                self.text(LEFT + 6, self.y - 1 - 11.5 * place, line, REGULAR, 9)
            self.figures(self.y - 12.5, row.figures, REGULAR, 9, INK)
            below = self.y - 1 - 11.5 * len(row.title)
            for place, line in enumerate(row.sku, start=1):
                self.text(LEFT + 6, below - 9.5 * place, line, REGULAR, 7.5, SOFT)
            self.y -= row.height
            self.rule(self.y, HAIR, 0.5)

    def figures(self, y: float, texts: list[str], font: str, size: float, colour: Colour) -> None:
        """Right-aligned, a column each."""
        for place, text in enumerate(reversed(texts)):
            self.right(RIGHT - 6 - FIGURE * place, y, text, font, size, colour, room=FIGURE - 6)

    @property
    def closing_height(self) -> float:
        return 15.0 * len(self.document.sums) + 78

    def closing(self) -> None:
        """The sums, and whether they are paid."""
        start = RIGHT - SUMS
        self.y -= 8
        for label, text in self.document.sums:
            self.y -= 15
            self.text(start + 10, self.y, label, REGULAR, 9, SOFT)
            self.right(RIGHT - 6, self.y, text, REGULAR, 9, INK, room=SUMS / 2)
        self.y -= 10
        self.canvas.setFillColorRGB(*ACCENT)
        self.canvas.rect(start, self.y - 26, SUMS, 26, stroke=0, fill=1)
        white = (1.0, 1.0, 1.0)
        label, text = self.document.grand_total
        self.text(start + 10, self.y - 17, label, BOLD, 11, white)
        self.right(RIGHT - 6, self.y - 17, text, BOLD, 11, white, room=SUMS - 100)
        self.text(LEFT + 6, self.y - 17, self.document.closing_words, BOLD, 10, ACCENT)
        self.y -= 26
        if self.document.tax_note:
            self.right(RIGHT - 6, self.y - 14, self.document.tax_note, REGULAR, 8.5, SOFT, room=SUMS)

    def footer(self, page: str) -> None:
        self.rule(BOTTOM - 22, HAIR, 0.6)
        seller = self.document.seller
        name = printable(" · ".join(filter(None, (seller.name, seller.known_by))))
        self.text(LEFT, BOTTOM - 34, name, REGULAR, 8, SOFT, room=400)
        self.right(RIGHT, BOTTOM - 34, page, REGULAR, 8, SOFT)

    def text(
        self, x: float, y: float, text: str, font: str, size: float, colour: Colour = INK, room: float = 0
    ) -> None:
        """Printable text from `x` on; smaller where it would be wider than its room."""
        size = _shrunk(text, font, size, room)
        self.canvas.setFont(font, size)
        self.canvas.setFillColorRGB(*colour)
        self.canvas.drawString(x, y, text)

    def right(
        self, x: float, y: float, text: str, font: str, size: float, colour: Colour = INK, room: float = 0
    ) -> None:
        """The same, ending at `x`."""
        size = _shrunk(text, font, size, room)
        self.text(x - width(text, font, size), y, text, font, size, colour)

    def rule(self, y: float, colour: Colour, thickness: float) -> None:
        self.canvas.setStrokeColorRGB(*colour)
        self.canvas.setLineWidth(thickness)
        self.canvas.line(LEFT, y, RIGHT, y)


def _fitted(texts: tuple[str, ...], room: float) -> list[str]:
    """The texts in lines of 9 points that fit; not more of them than leave room on the page."""
    return [line for text in texts for line in wrapped(printable(text), REGULAR, 9, room)][:MOST]


def _shrunk(text: str, font: str, size: float, room: float) -> float:
    needed = width(text, font, size)
    return size * room / needed if room and needed > room else size

"""The rendering of an invoice as PDF on A4; the same document always yields the same bytes."""

from dataclasses import dataclass
from io import BytesIO

from orders.invoicing.document import Document
from orders.invoicing.text_layout import BOLD, REGULAR, Canvas, printable, width, wrapped

Colour = tuple[float, float, float]

# Lengths in points (1/72 inch), measured from the bottom left corner.
WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 50.0, WIDTH - 50.0, HEIGHT - 50.0, 66.0
FROM, BILLED, DETAILS = LEFT, LEFT + 150.0, LEFT + 310.0
LABELS, COLUMN, SUMS, GAP = 74.0, 64.0, 236.0, 10.0
TABLE_HEADER, PAGE_HEADER, MAX_LINES = 22.0, 34.0, 36

INK, SOFT, ACCENT = (0.13, 0.14, 0.16), (0.42, 0.45, 0.49), (0.05, 0.33, 0.36)
BAND, HAIR = (0.93, 0.95, 0.95), (0.85, 0.87, 0.88)


@dataclass(frozen=True)
class Row:
    """A row of the table: the title and the SKU as lines that fit their column, and the other values."""

    title: list[str]
    sku: list[str]
    figures: list[str]

    @property
    def height(self) -> float:
        return 10 + 11.5 * len(self.title) + 9.5 * len(self.sku)


def render(document: Document) -> bytes:
    """Return the invoice as a PDF file."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, lang="en-GB")
    canvas.setTitle(document.title)
    canvas.setAuthor(document.seller.name)
    canvas.setCreator(document.seller.name)
    canvas.setSubject(f"Order {document.order_number}")
    canvas.setDateFormatter(lambda *_: f"D:{document.issued_at:%Y%m%d%H%M%S}Z")
    _Renderer(canvas, document).pages()
    canvas.save()
    return file.getvalue()


class _Renderer:
    """The renderer of one invoice. Pages are drawn from top to bottom; `y` is the current position."""

    def __init__(self, canvas: Canvas, document: Document) -> None:
        self.canvas = canvas
        self.document = document
        self.y = TOP
        self.columns = document.columns
        self.title_room = RIGHT - LEFT - COLUMN * len(self.columns) - GAP
        self.seller = _fitted((*document.seller.address, document.seller.tax_line), BILLED - FROM - GAP)
        self.buyer = _fitted((*document.buyer, document.email), DETAILS - BILLED - GAP)
        self.details = [
            (label, _fitted((text,), RIGHT - DETAILS - LABELS)) for label, text in document.details
        ]

    def pages(self) -> None:
        """Draw all pages. The rows are assigned first, because each page shows the number of pages."""
        pages = self.rows_by_page()
        for number, rows in enumerate(pages, start=1):
            self.y = TOP
            if number == 1:
                self.summary()
            else:
                self.page_header()
            self.table(rows)
            if number == len(pages):
                self.closing()
            self.footer(f"Page {number} of {len(pages)}")
            self.canvas.showPage()

    def rows_by_page(self) -> list[list[Row]]:
        """Return the table's rows per page; the last page has room for the sums."""
        pages: list[list[Row]] = [[]]
        room = TOP - self.summary_height - TABLE_HEADER - BOTTOM
        full_page = TOP - PAGE_HEADER - TABLE_HEADER - BOTTOM
        for line in self.document.lines:
            row = Row(
                title=wrapped(printable(line.title), REGULAR, 9, self.title_room),
                sku=wrapped(printable(line.sku), REGULAR, 7.5, self.title_room),
                figures=self.document.figures(line),
            )
            if row.height > room:
                pages.append([])
                room = full_page
            pages[-1].append(row)
            room -= row.height
        return pages if room >= self.closing_height else [*pages, []]

    @property
    def summary_height(self) -> float:
        longest = max(len(self.seller), len(self.buyer), sum(len(lines) for _, lines in self.details))
        return 92 + 13 * longest

    def summary(self) -> None:
        """Draw the top of the first page: seller, buyer and details."""
        bottom = self.y - self.summary_height
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
        self.text(DETAILS, self.y, "Details", BOLD, 8, ACCENT)
        y = self.y - 1
        for label, lines in self.details:
            self.text(DETAILS, y - 13, label, REGULAR, 9, SOFT)
            for line in lines:
                y -= 13
                self.text(DETAILS + LABELS, y, line, REGULAR, 9)
        self.y = bottom

    def page_header(self) -> None:
        """Draw the header of every page after the first."""
        self.text(LEFT, self.y - 10, printable(self.document.seller.name), BOLD, 9, ACCENT, room=300)
        self.right(RIGHT, self.y - 10, self.document.title, REGULAR, 9, SOFT)
        self.rule(self.y - 18, HAIR, 0.6)
        self.y -= PAGE_HEADER

    def table(self, rows: list[Row]) -> None:
        if not rows:
            return
        self.canvas.setFillColorRGB(*BAND)
        self.canvas.rect(LEFT, self.y - TABLE_HEADER + 4, RIGHT - LEFT, TABLE_HEADER - 4, stroke=0, fill=1)
        self.text(LEFT + 6, self.y - 12, "Item", BOLD, 8, ACCENT)
        self.figures(self.y - 12, self.columns, BOLD, 8, ACCENT)
        self.y -= TABLE_HEADER
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
        """Draw right-aligned texts, one per column."""
        for place, text in enumerate(reversed(texts)):
            self.right(RIGHT - 6 - COLUMN * place, y, text, font, size, colour, room=COLUMN - 6)

    @property
    def closing_height(self) -> float:
        return 15.0 * len(self.document.sums) + 78

    def closing(self) -> None:
        """Draw the sums and the payment note."""
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
        self.text(LEFT + 6, self.y - 17, self.document.payment_note, BOLD, 10, ACCENT)
        self.y -= 26
        if self.document.tax_note:
            self.right(RIGHT - 6, self.y - 14, self.document.tax_note, REGULAR, 8.5, SOFT, room=SUMS)

    def footer(self, page: str) -> None:
        self.rule(BOTTOM - 22, HAIR, 0.6)
        seller = self.document.seller
        name = printable(" · ".join(filter(None, (seller.name, seller.tax_line))))
        self.text(LEFT, BOTTOM - 34, name, REGULAR, 8, SOFT, room=400)
        self.right(RIGHT, BOTTOM - 34, page, REGULAR, 8, SOFT)

    def text(
        self, x: float, y: float, text: str, font: str, size: float, colour: Colour = INK, room: float = 0
    ) -> None:
        """Draw printable text from `x`, in a smaller size if it would exceed `room`."""
        size = _shrunk(text, font, size, room)
        self.canvas.setFont(font, size)
        self.canvas.setFillColorRGB(*colour)
        self.canvas.drawString(x, y, text)

    def right(
        self, x: float, y: float, text: str, font: str, size: float, colour: Colour = INK, room: float = 0
    ) -> None:
        """Draw printable text that ends at `x`, in a smaller size if it would exceed `room`."""
        size = _shrunk(text, font, size, room)
        self.text(x - width(text, font, size), y, text, font, size, colour)

    def rule(self, y: float, colour: Colour, thickness: float) -> None:
        self.canvas.setStrokeColorRGB(*colour)
        self.canvas.setLineWidth(thickness)
        self.canvas.line(LEFT, y, RIGHT, y)


def _fitted(texts: tuple[str, ...], room: float) -> list[str]:
    """Return the texts as lines of size 9 that fit `room`, at most MAX_LINES."""
    return [line for text in texts for line in wrapped(printable(text), REGULAR, 9, room)][:MAX_LINES]


def _shrunk(text: str, font: str, size: float, room: float) -> float:
    needed = width(text, font, size)
    return size * room / needed if room and needed > room else size

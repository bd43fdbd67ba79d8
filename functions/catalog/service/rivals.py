"""Those who write the same stock or products at the same time."""

from catalog.tables.rows import Overtaken
from shared.rivals import again_when
from shared.rows import Contended

again_when_overtaken = again_when(Overtaken, Contended, tries=12, doublings=5)

"""Those who write the same cart, coupon or charge at the same time."""

from cart.tables.rows import Overtaken
from shared.rivals import again_when

until_written = again_when(Overtaken, tries=10, doublings=4)

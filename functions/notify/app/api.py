"""NotifyApi: the HTTP API of notifications and preferences."""

from notify.routes import routes
from notify.schemas import NotificationsQuery, NotificationView, PreferencesView
from notify.tables import rows
from shared.http.api import Api
from shared.http.paging import Page
from shared.models import build

rows.warm_up()
build(NotificationsQuery, NotificationView, Page[NotificationView], PreferencesView)
api = Api(routes, probe=rows.probe)
